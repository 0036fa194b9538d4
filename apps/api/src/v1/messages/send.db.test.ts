import { hash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestApi, type TestApi } from '../../../test/api.ts'

let api: TestApi
beforeAll(async () => {
  api = await startTestApi()
})
afterAll(() => api.close())

const message = { from: 'App <app@acme.example>', to: ['user@example.net'], subject: 'Hello', text: 'Hi' }
const send = (body: unknown, headers: Record<string, string> = {}, key?: string) =>
  api.call('POST', '/v1/send', { body, headers, ...(key ? { key } : {}) })
const batch = (messages: unknown[], headers: Record<string, string> = {}, key?: string) =>
  api.call('POST', '/v1/send/batch', { body: { messages }, headers, ...(key ? { key } : {}) })
const count = async () =>
  (await api.db.pool.query<{ n: number }>({ text: 'select count(*)::int as n from message' })).rows[0]?.n ?? 0

/** Waits until the message would be refused without its key, then sends it with it. */
async function untilRefusable<T>(repeat: () => Promise<T>, body: unknown): Promise<T> {
  for (;;) {
    if ((await send(body)).status === 422) return repeat()
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

describe('POST /v1/send', () => {
  it('stores the message before it answers 202', async () => {
    const answer = await send({ ...message, cc: 'Ann <ann@example.net>', tags: ['receipt'] })
    expect(answer.status).toBe(202)
    expect(answer.json).toMatchObject({
      status: 'queued',
      recipients: [
        { address: 'user@example.net', kind: 'to', status: 'queued' },
        { address: 'ann@example.net', kind: 'cc', status: 'queued' },
      ],
    })
    const read = await api.call('GET', `/v1/messages/${answer.json.id}`)
    expect(read.json).toMatchObject({ id: answer.json.id, subject: 'Hello', tags: ['receipt'] })
  })

  it('shows probable mistakes as warnings, in a repeat too', async () => {
    const body = { ...message, from: 'noreply@acme.example', stream: 'bulk' }
    const first = await send(body, { 'idempotency-key': 'warned' })
    expect(first.json.warnings).toEqual([
      expect.stringContaining('Set reply_to'),
      expect.stringContaining('List-Unsubscribe'),
    ])
    expect((await send(body, { 'idempotency-key': 'warned' })).text).toBe(first.text)
    expect((await send(message)).json).not.toHaveProperty('warnings')
  })

  it('refuses placeholder domains of strangers to a live key, and takes them of a test key', async () => {
    const body = { ...message, to: ['user@domain.com'] }
    expect(await send(body)).toMatchObject({
      status: 422,
      json: { code: 'validation-failed', errors: [{ pointer: '#/to' }] },
    })
    expect((await send(body, {}, api.tenant.testKey)).status).toBe(202)
  })

  it('reports the remaining quota of the day', async () => {
    const tenant = await api.addTenant({ dailyLimit: 10 })
    const answer = await send({ ...message, cc: ['b@example.net'] }, {}, tenant.liveKey)
    expect(answer.headers.get('ratelimit-policy')).toBe('"daily";q=10;w=86400, "pool";q=1000;w=86400')
    expect(answer.headers.get('ratelimit')).toMatch(/^"daily";r=8;t=\d+, "pool";r=1000;t=\d+$/)
  })

  it('refuses a message beyond the daily quota, counts nothing, and says when to retry', async () => {
    const tenant = await api.addTenant({ dailyLimit: 2 })
    const three = { ...message, to: ['a@example.net', 'b@example.net', 'c@example.net'] }
    const refused = await send(three, {}, tenant.liveKey)
    expect(refused).toMatchObject({ status: 429, json: { code: 'quota-exceeded' } })
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(refused.headers.get('ratelimit')).toMatch(/^"daily";r=2;/)
    expect((await send({ ...message, cc: ['b@example.net'] }, {}, tenant.liveKey)).status).toBe(202)
  })

  it('a repeat with the same key and body gets the same message and stores nothing', async () => {
    const first = await send(message, { 'idempotency-key': 'order-1' })
    const before = await count()
    const again = await send(message, { 'idempotency-key': 'order-1' })
    expect(again.status).toBe(202)
    expect(again.text).toBe(first.text)
    expect(again.headers.get('idempotency-replayed')).toBe('true')
    expect(await count()).toBe(before)
  })

  it('the same key with another body is refused; the same key of another tenant is independent', async () => {
    await send(message, { 'idempotency-key': 'order-2' })
    const other = { ...message, subject: 'Other' }
    expect(await send(other, { 'idempotency-key': 'order-2' })).toMatchObject({
      status: 422,
      json: { code: 'idempotency-key-reused' },
    })
    const tenant = await api.addTenant()
    expect((await send(other, { 'idempotency-key': 'order-2' }, tenant.liveKey)).status).toBe(202)
  })

  it('a repeat of an accepted request gets the stored answer, although it would be refused now', async () => {
    const body = { ...message, subject: 'Late', send_at: new Date(Date.now() - 3_599_000).toISOString() }
    const first = await send(body, { 'idempotency-key': 'order-late' })
    expect(first.status).toBe(202)
    const again = await untilRefusable(() => send(body, { 'idempotency-key': 'order-late' }), body)
    expect(again.text).toBe(first.text)
    expect((await send(body, { 'idempotency-key': 'order-too-late' })).status).toBe(422)
  })

  it('ten requests at once with one key make one message', async () => {
    const before = await count()
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => send(message, { 'idempotency-key': 'order-3' })),
    )
    const accepted = answers.filter(({ status }) => status === 202)
    expect(answers.every(({ status }) => status === 202 || status === 409)).toBe(true)
    expect(new Set(accepted.map(({ text }) => text)).size).toBe(1)
    expect(await count()).toBe(before + 1)
  })

  it('refuses a connection that is not the tenant’s', async () => {
    const relay = { provider: 'smtp', name: 'Relay', settings: { host: 'mx.example.net', port: 587 } }
    const other = await api.addTenant()
    const theirs = await api.call('POST', '/v1/connections', { body: relay, key: other.liveKey })
    const answer = await send({ ...message, connection: theirs.json.id })
    expect(answer).toMatchObject({
      status: 422,
      json: { code: 'connection-not-found', errors: [{ pointer: '#/connection' }] },
    })
    const mine = await api.call('POST', '/v1/connections', { body: relay })
    expect((await send({ ...message, connection: mine.json.id })).status).toBe(202)
  })

  it('refuses a message that the named connection cannot carry', async () => {
    const relay = { provider: 'smtp', name: 'Relay', settings: { host: 'mx.example.net', port: 587 } }
    const { json } = await api.call('POST', '/v1/connections', { body: relay })
    const attachments = [{ filename: 'a.bin', content: Buffer.alloc(25 * 1024 * 1024).toString('base64') }]
    const html = 'x'.repeat(4_900_000)
    const answer = await send({ ...message, html, attachments, connection: json.id })
    expect(answer).toMatchObject({ status: 413, json: { code: 'payload-too-large' } })
  })

  it('answers with the request id of the client, or with a new one', async () => {
    expect((await send(message, { 'x-request-id': 'abc-1' })).headers.get('x-request-id')).toBe('abc-1')
    expect((await send(message, { 'x-request-id': 'a b' })).headers.get('x-request-id')).toMatch(/^req_\w+$/)
  })
})

describe('POST /v1/send/batch', () => {
  it('checks each message separately and answers in order', async () => {
    const answer = await batch([message, { ...message, to: 'nonsense' }, { ...message, subject: 'Third' }])
    expect(answer.status).toBe(202)
    expect(answer.json.results).toMatchObject([
      { status: 'queued' },
      { problem: { code: 'validation-failed', errors: [{ pointer: '#/messages/1/to' }] } },
      { status: 'queued' },
    ])
  })

  it('a repeat gets the same results, also for refused messages', async () => {
    const messages = [message, { ...message, subject: 5 }]
    const first = await batch(messages, { 'idempotency-key': 'batch-1' })
    const again = await batch(messages, { 'idempotency-key': 'batch-1' })
    expect(again.text).toBe(first.text)
    expect(again.headers.get('idempotency-replayed')).toBe('true')
  })

  it('accepts all good messages, or none when the daily quota does not fit all of them', async () => {
    const tenant = await api.addTenant({ dailyLimit: 2 })
    const before = await count()
    expect(await batch([message, message, message], {}, tenant.liveKey)).toMatchObject({
      status: 429,
      json: { code: 'quota-exceeded' },
    })
    expect(await count()).toBe(before)
    expect((await batch([message, message], {}, tenant.liveKey)).status).toBe(202)
  })

  it('refuses an empty one, and one of 501', async () => {
    expect(await batch([])).toMatchObject({ status: 422, json: { code: 'validation-failed' } })
    expect(await batch(Array.from({ length: 501 }, () => message))).toMatchObject({
      status: 422,
      json: { code: 'validation-failed' },
    })
  })
})

describe('case 18: a repeat is recognised by its JSON value, not by its bytes', () => {
  const raw = (body: string, key: string) =>
    api.call('POST', '/v1/send', { body, headers: { 'idempotency-key': key } })
  const value = { ...message, metadata: { a: 'é/', b: '2' } }

  it.each([
    ['members in another order', JSON.stringify(Object.fromEntries(Object.entries(value).reverse()))],
    ['other indentation', JSON.stringify(value, null, 4)],
    ['a letter escaped', JSON.stringify(value).replace('Hello', '\\u0048ello').replace('é/', '\\u00e9\\/')],
    ['a line feed at the end', `${JSON.stringify(value)}\n`],
    ['a byte order mark', `\ufeff${JSON.stringify(value)}`],
    ['half a megabyte of spaces', JSON.stringify(value).replace('{', `{${' '.repeat(500_000)}`)],
  ])('%s gets the first answer', async (name, body) => {
    const first = await raw(JSON.stringify(value), `same ${name}`)
    const again = await raw(body, `same ${name}`)
    expect(again).toMatchObject({ status: 202, text: first.text })
    expect(again.headers.get('idempotency-replayed')).toBe('true')
  })

  it('another value is refused, also with a small difference', async () => {
    await raw(JSON.stringify(value), 'other')
    for (const other of [
      { ...value, text: 'Hi ' },
      { ...value, tags: [] },
      { ...value, to: message.to[0] },
    ]) {
      expect(await raw(JSON.stringify(other), 'other')).toMatchObject({
        status: 422,
        json: { code: 'idempotency-key-reused' },
      })
    }
  })

  it('another file is a difference, another JSON spelling of the same file is not', async () => {
    const content = Buffer.alloc(600_000, '???').toString('base64')
    const body = JSON.stringify({ ...value, attachments: [{ filename: 'a.bin', content }] })
    const first = await raw(body, 'file')
    expect(content).toContain('/')
    expect((await raw(body.replaceAll('/', '\\/'), 'file')).text).toBe(first.text)
    const other = body.replace(content, `${content.slice(0, -8)}AAAAAAAA`)
    expect((await raw(other, 'file')).json.code).toBe('idempotency-key-reused')
  })

  it('a repeat of what an earlier release accepted is recognised by its bytes', async () => {
    const body = JSON.stringify(value)
    const first = await raw(body, 'upgrade')
    await api.db.pool.query({
      text: `update idempotency set body_hash = $1
        where request_id = (select id from message order by id desc limit 1)`,
      values: [hash('sha256', body, 'buffer')],
    })
    expect((await raw(body, 'upgrade')).text).toBe(first.text)
    expect((await raw(`${body} `, 'upgrade')).json.code).toBe('idempotency-key-reused')
  })
})

describe('case 19: JSON of real clients', () => {
  it.each([
    'application/json; charset=utf8',
    'application/json;',
    'application/json; odata=verbose',
    'application/json; charset="UTF-8"; ',
    'APPLICATION/JSON;charset=utf-8',
  ])('%s is accepted', async (type) => {
    expect((await send(message, { 'content-type': type })).status).toBe(202)
  })

  it.each([
    ['application/json; charset=utf-16', 'The charset utf-16 is not supported'],
    ['text/json', 'Content-Type is text/json'],
    ['json', 'Content-Type'],
  ])('%s is refused with its cause', async (type, detail) => {
    expect(await send(message, { 'content-type': type })).toMatchObject({
      status: 415,
      json: { code: 'unsupported-media-type', detail: expect.stringContaining(detail) },
    })
  })
})

describe('S7: a batch with very many faults', () => {
  it('gets an answer of less than 1 MB, stores less than that, and a repeat gets the same answer', {
    timeout: 60_000,
  }, async () => {
    const bad = {
      ...message,
      to: Array(50).fill('nonsense'),
      headers: Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`Bad ${i} ${'x'.repeat(60)}`, 'x'])),
    }
    const messages = [message, ...Array(499).fill(bad)]
    const first = await batch(messages, { 'idempotency-key': 'faults' })
    expect(first.status).toBe(202)
    expect(first.text.length).toBeLessThan(1_000_000)
    const { rows } = await api.db.pool.query<{ size: number }>({
      text: 'select max(length(answer::text))::int as size from idempotency',
    })
    expect(rows[0]?.size).toBeLessThan(200_000)
    const again = await batch(messages, { 'idempotency-key': 'faults' })
    expect(again.text).toBe(first.text)
    expect(again.headers.get('idempotency-replayed')).toBe('true')
  })
})
