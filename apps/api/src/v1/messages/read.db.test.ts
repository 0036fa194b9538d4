import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { fromPublicId } from '@lettergate/contracts/lib/ids'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestApi, type TestApi } from '../../../test/api.ts'

let api: TestApi
beforeAll(async () => {
  api = await startTestApi()
})
afterAll(() => api.close())

const message = { from: 'app@acme.example', to: ['user@example.net'], subject: 'Hello', text: 'Hi' }

async function sent(change: Record<string, unknown> = {}, key?: string): Promise<string> {
  const answer = await api.call('POST', '/v1/send', {
    body: { ...message, ...change },
    ...(key ? { key } : {}),
  })
  return String(answer.json.id)
}
const uuid = (id: string) => fromPublicId('msg', id) ?? ''
const read = (id: string, headers: Record<string, string> = {}) =>
  api.call('GET', `/v1/messages/${id}`, { headers })

/** Changes rows as a worker does, as far as a reader sees. */
async function setStatus(id: string, status: string): Promise<void> {
  await api.db.pool.query({
    text: 'update recipient set status = $2, updated_at = now() where message_id = $1',
    values: [uuid(id), status],
  })
  await api.db.pool.query({ text: `select pg_notify('lg_message', $1)`, values: [uuid(id)] })
}

describe('GET /v1/messages/:id', () => {
  it('answers 304 while nothing has changed, and the message again once something has', async () => {
    const id = await sent()
    const etag = (await read(id)).headers.get('etag') ?? ''
    expect((await read(id, { 'if-none-match': etag })).status).toBe(304)
    expect((await read(id, { 'if-none-match': `W/"x", ${etag}` })).status).toBe(304)
    await setStatus(id, 'sent')
    const changed = await read(id, { 'if-none-match': etag })
    expect(changed).toMatchObject({ status: 200, json: { status: 'sent' } })
    expect(changed.headers.get('etag')).not.toBe(etag)
  })

  it('shows pending recipients as sending during an attempt', async () => {
    const id = await sent({ cc: ['done@example.net'] })
    await api.db.pool.query({
      text: `update recipient set status = 'sent' where message_id = $1 and position = 1`,
      values: [uuid(id)],
    })
    await api.db.pool.query({
      text: `update outbox set state = 'sending' where message_id = $1`,
      values: [uuid(id)],
    })
    expect((await read(id)).json).toMatchObject({
      status: 'sending',
      recipients: [{ status: 'sending' }, { status: 'sent' }],
    })
  })

  it('reads many at once, each its own', async () => {
    const ids = await Promise.all(Array.from({ length: 60 }, (_, i) => sent({ subject: `n${i}` })))
    const answers = await Promise.all(ids.map((id) => read(id)))
    expect(answers.map(({ json }) => [json.id, json.subject])).toEqual(ids.map((id, i) => [id, `n${i}`]))
  })
})

describe('GET /v1/messages/:id?wait=', () => {
  const wait = (id: string, seconds: number, headers: Record<string, string> = {}) =>
    api.call('GET', `/v1/messages/${id}?wait=${seconds}`, { headers })
  const isListening = async () => {
    const { rows } = await api.db.pool.query({
      text: `select from pg_stat_activity where datname = current_database() and query = 'listen lg_message'`,
    })
    return rows.length > 0
  }
  async function untilListening(): Promise<void> {
    while (!(await isListening())) await sleep(10)
  }

  it('answers as soon as the status changes', async () => {
    const id = await sent()
    const waiting = wait(id, 60)
    await untilListening()
    await setStatus(id, 'sent')
    expect((await waiting).json).toMatchObject({ status: 'sent' })
  })

  it('answers what is there when the time is over', async () => {
    expect((await wait(await sent(), 0.2)).json).toMatchObject({ status: 'queued' })
  })

  it('answers at once when the client’s version is not the present one', async () => {
    const id = await sent()
    expect(await wait(id, 60, { 'if-none-match': '"old"' })).toMatchObject({
      status: 200,
      json: { status: 'queued' },
    })
  })

  it('answers at once when nothing more is to come', async () => {
    const id = await sent()
    await setStatus(id, 'failed')
    expect(await wait(id, 60)).toMatchObject({ status: 200, json: { status: 'failed' } })
  })

  it('waits on for a client that has the present version, and tells it of the next', async () => {
    const id = await sent()
    const etag = (await read(id)).headers.get('etag') ?? ''
    const waiting = wait(id, 60, { 'if-none-match': etag })
    await untilListening()
    await setStatus(id, 'deferred')
    expect(await waiting).toMatchObject({ status: 200, json: { status: 'deferred' } })
  })

  it('answers 404 at once for what is not there', async () => {
    expect((await wait('msg_01m7wa5yjwe1qr5m7w1gzh99cc', 60)).status).toBe(404)
  })

  it('lets one tenant hold only so many', async () => {
    const tenant = await api.addTenant()
    const id = await sent({}, tenant.liveKey)
    const abort = new AbortController()
    const ask = () =>
      fetch(`${api.url}/v1/messages/${id}?wait=60`, {
        headers: { authorization: `Bearer ${tenant.liveKey}` },
        signal: abort.signal,
      }).then(
        ({ status }) => status,
        () => 0,
      )
    const first = await Promise.race(Array.from({ length: 201 }, ask))
    expect(first).toBe(429)
    // Waiters that leave make room.
    abort.abort()
    let status = 429
    while (status === 429)
      ({ status } = await api.call('GET', `/v1/messages/${id}?wait=0.05`, { key: tenant.liveKey }))
    expect(status).toBe(200)
  })
})

describe('POST /v1/messages/status', () => {
  it('answers in the order of the ids, a problem in the place of what is not the tenant’s', async () => {
    const other = await api.addTenant()
    const [mine, theirs] = [await sent(), await sent({}, other.liveKey)]
    const { json } = await api.call('POST', '/v1/messages/status', {
      body: { ids: [theirs, mine, 'nonsense'] },
    })
    expect(json.results).toMatchObject([
      { id: theirs, problem: { code: 'not-found' } },
      { id: mine, status: 'queued', recipients: [{ address: 'user@example.net' }] },
      { id: 'nonsense', problem: { code: 'not-found' } },
    ])
  })

  it('refuses no id, and 1,001', async () => {
    for (const ids of [[], Array.from({ length: 1_001 }, () => 'msg_x')]) {
      expect(await api.call('POST', '/v1/messages/status', { body: { ids } })).toMatchObject({ status: 422 })
    }
  })
})

describe('what happened to a message', () => {
  it('events come in order, a page at a time', async () => {
    const id = await sent()
    for (let i = 0; i < 4; i++) {
      await api.db.pool.query({
        text: `insert into event (tenant_id, message_id, position, type, data) values ($1, $2, 0, 'recipient.deferred', $3)`,
        values: [api.tenant.tenantId, uuid(id), JSON.stringify({ attempt: i + 1, reason: '451 later' })],
      })
    }
    const seen: unknown[] = []
    let cursor: unknown = null
    do {
      const { json } = await api.call(
        'GET',
        `/v1/messages/${id}/events?limit=2${cursor === null ? '' : `&cursor=${cursor}`}`,
      )
      seen.push(...[json.data].flat())
      cursor = json.next_cursor
    } while (cursor !== null)
    expect(seen).toMatchObject([
      { type: 'message.accepted', recipient: null },
      ...[1, 2, 3, 4].map((attempt) => ({
        type: 'recipient.deferred',
        recipient: 'user@example.net',
        attempt,
        reason: '451 later',
      })),
    ])
  })

  it('attempts tell what the provider answered and whom they carried', async () => {
    const id = await sent({ cc: ['b@example.net'] })
    await api.db.pool.query({
      text: `insert into attempt (tenant_id, message_id, number, provider, started_at, outcome, scope, reason, recipients, choice)
             values ($1, $2, 1, 'smtp', now(), 'rejected', 'message', '550 no such user', '{1}', $3),
                    ($1, $2, 2, 'smtp', now(), 'accepted', null, null, '{0}', $4)`,
      values: [
        ...[api.tenant.tenantId, uuid(id)],
        // As an earlier version wrote it.
        JSON.stringify({ rule: 'priority', route: null, skipped: [] }),
        JSON.stringify({ rule: 'priority', route: null, skipped: [], alone: true }),
      ],
    })
    const { json } = await api.call('GET', `/v1/messages/${id}/attempts`)
    expect(json.data).toMatchObject([
      {
        number: 1,
        outcome: 'rejected',
        reason: '550 no such user',
        recipients: ['b@example.net'],
        choice: { rule: 'priority', single_recipient: false },
      },
      { number: 2, outcome: 'accepted', choice: { single_recipient: true } },
    ])
  })

  it('raw is the mail itself, the same every time, attachments and all', async () => {
    const content = Buffer.from('one\ntwo\n')
    const id = await sent({
      headers: { 'X-Order': '7' },
      attachments: [{ filename: 'a.txt', content: content.toString('base64'), content_type: 'text/plain' }],
    })
    const [first, again] = [
      await api.call('GET', `/v1/messages/${id}/raw`),
      await api.call('GET', `/v1/messages/${id}/raw`),
    ]
    expect(first.headers.get('content-type')).toBe('message/rfc822')
    expect(first.text).toMatch(new RegExp(`^X-LG-Id: ${id}\r\n`, 'm'))
    expect(first.text).toContain('X-Order: 7\r\n')
    expect(first.text).toContain('a.txt')
    const digest = (text: string) => createHash('sha256').update(text).digest('hex')
    expect(digest(again.text)).toBe(digest(first.text))
  })
})
