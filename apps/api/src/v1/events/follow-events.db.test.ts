import { setTimeout as sleep } from 'node:timers/promises'
import { createPool } from '@lettergate/db/pool'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { startTestApi, type TestApi, type TestTenant } from '../../../test/api.ts'
import {
  appendTo,
  countWaiting,
  notifyFeed,
  type Page,
  readEvents,
  send,
  untilWaiting,
  writeAtOnce,
} from '../../../test/feed.ts'

let api: TestApi
beforeAll(async () => {
  api = await startTestApi()
})
afterAll(() => api.close())

const of = (tenant: TestTenant) => ({ key: tenant.liveKey })
const idsOf = (page: Page) => page.data.map(({ message_id }) => message_id)

/** Where a reader is now: a request without a cursor may begin to wait after what the test does next. */
const cursorOf = async (tenant: TestTenant) => (await readEvents(api, {}, of(tenant))).next_cursor

describe('GET /v1/events', () => {
  it('without a cursor begins now, and with the cursor of the answer tells what came since', async () => {
    const tenant = await api.addTenant()
    await send(api, of(tenant))
    expect((await api.call('GET', '/v1/events', of(tenant))).headers.get('cache-control')).toBe('no-store')
    const now = await readEvents(api, {}, of(tenant))
    expect(now).toMatchObject({ data: [], has_more: false })
    const id = await send(api, of(tenant))
    const next = await readEvents(api, { cursor: now.next_cursor }, of(tenant))
    expect(next.data).toMatchObject([
      {
        type: 'message.accepted',
        message_id: id,
        seq: 0,
        recipient: null,
        status: null,
        stream: 'transactional',
      },
    ])
    expect(await readEvents(api, { cursor: next.next_cursor }, of(tenant))).toMatchObject({ data: [] })
  })

  it('from the beginning tells everything, a page at a time, each event once', async () => {
    const tenant = await api.addTenant()
    const ids: string[] = []
    for (let i = 0; i < 5; i++) ids.push(await send(api, of(tenant)))
    const seen: (string | null)[] = []
    let page = await readEvents(api, { cursor: 'beginning', limit: 2 }, of(tenant))
    seen.push(...idsOf(page))
    while (page.has_more) {
      page = await readEvents(api, { cursor: page.next_cursor, limit: 2 }, of(tenant))
      seen.push(...idsOf(page))
    }
    expect(seen).toEqual(ids)
  })

  it('shows a test key the events of test messages, and a live key those of live messages', async () => {
    const tenant = await api.addTenant()
    const [live, test] = [await send(api, of(tenant)), await send(api, { key: tenant.testKey })]
    expect(idsOf(await readEvents(api, { cursor: 'beginning' }, of(tenant)))).toEqual([live])
    expect(idsOf(await readEvents(api, { cursor: 'beginning' }, { key: tenant.testKey }))).toEqual([test])
  })

  it('filters by type, by message and by connection', async () => {
    const tenant = await api.addTenant()
    const [one, two] = [await send(api, of(tenant)), await send(api, of(tenant))]
    await appendTo(api.db.pool, { ...tenant, messageId: one })
    const read = async (query: Record<string, string>) =>
      (await readEvents(api, { cursor: 'beginning', ...query }, of(tenant))).data.map(
        ({ type, message_id }) => [type, message_id],
      )
    expect(await read({ types: 'recipient.deferred,recipient.bounced' })).toEqual([
      ['recipient.deferred', one],
    ])
    expect(await read({ message: two })).toEqual([['message.accepted', two]])
    expect(await read({ message: one, types: 'recipient.bounced' })).toEqual([])
    expect(await read({ connection: 'con_01m7wa5yjwe1qr5m7w1gzh99cc' })).toEqual([])
  })

  it.each([
    ['types=recipient.sent,recipient.nonsense', '#/query/types'],
    ['types=', '#/query/types'],
    ['message=msg_1', '#/query/message'],
    ['connection=msg_01m7wa5yjwe1qr5m7w1gzh99cc', '#/query/connection'],
    ['wait=61', '#/query/wait'],
    ['limit=201', '#/query/limit'],
    ['sort=asc', '#/query'],
  ])('refuses ?%s with a pointer', async (query, pointer) => {
    expect(await api.call('GET', `/v1/events?${query}`)).toMatchObject({
      status: 422,
      json: { code: 'validation-failed', errors: [{ pointer: expect.stringContaining(pointer) }] },
    })
  })

  it('refuses the cursor of another tenant, of the other mode, and any other text', async () => {
    const [mine, theirs] = [await api.addTenant(), await api.addTenant()]
    const { next_cursor } = await readEvents(api, {}, of(theirs))
    for (const [cursor, key] of [
      [next_cursor, mine.liveKey],
      [next_cursor, theirs.testKey],
      ['nonsense', mine.liveKey],
    ]) {
      for (const path of ['/v1/events', '/v1/events/stream']) {
        const answer = await api.call('GET', `${path}?cursor=${cursor}`, { key: key ?? null })
        expect(answer).toMatchObject({ status: 400, json: { code: 'cursor-invalid' } })
      }
    }
  })

  it('refuses a cursor older than the events that are kept, and takes it until then', async () => {
    const tenant = await api.addTenant()
    const { next_cursor } = await readEvents(api, {}, of(tenant))
    const read = (path: string) => api.call('GET', `${path}?cursor=${next_cursor}`, of(tenant))
    try {
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 29 * 86_400_000 })
      expect(await read('/v1/events')).toMatchObject({ status: 200 })
      vi.setSystemTime(Date.now() + 2 * 86_400_000)
      for (const path of ['/v1/events', '/v1/events/stream']) {
        expect(await read(path)).toMatchObject({ status: 410, json: { code: 'cursor-expired' } })
      }
    } finally {
      vi.useRealTimers()
    }
  })

  it('a filter that finds little answers early, and its cursor goes on behind what it looked at', async () => {
    const tenant = await api.addTenant()
    const messageId = await send(api, of(tenant))
    for (let i = 0; i < 5; i++) await appendTo(api.db.pool, { ...tenant, messageId, count: 5_000 })
    await appendTo(api.db.pool, { ...tenant, messageId, type: 'recipient.bounced' })
    const types = 'recipient.bounced'
    const first = await readEvents(api, { cursor: 'beginning', types }, of(tenant))
    expect(first).toMatchObject({ data: [], has_more: true })
    let page = first
    let reads = 1
    for (; page.data.length === 0 && page.has_more; reads++) {
      page = await readEvents(api, { cursor: page.next_cursor, types }, of(tenant))
    }
    expect(page.data).toMatchObject([{ type: 'recipient.bounced' }])
    expect(reads).toBeLessThanOrEqual(6)
  })
})

describe('GET /v1/events?wait=', () => {
  it('answers as soon as something happens', async () => {
    const tenant = await api.addTenant()
    const { next_cursor } = await readEvents(api, {}, of(tenant))
    const answer = readEvents(api, { cursor: next_cursor, wait: 60 }, of(tenant))
    await untilWaiting(api, 1)
    const id = await send(api, of(tenant))
    expect(idsOf(await answer)).toEqual([id])
  })

  it('answers an empty page and a cursor that misses nothing when the time is over', async () => {
    const tenant = await api.addTenant()
    const page = await readEvents(api, { wait: 0.2 }, of(tenant))
    expect(page).toMatchObject({ data: [], has_more: false })
    const id = await send(api, of(tenant))
    expect(idsOf(await readEvents(api, { cursor: page.next_cursor }, of(tenant)))).toEqual([id])
  })

  it('waits on while nothing passes the filter', async () => {
    const tenant = await api.addTenant()
    const messageId = await send(api, of(tenant))
    const cursor = await cursorOf(tenant)
    const answer = readEvents(api, { cursor, wait: 60, types: 'recipient.bounced' }, of(tenant))
    await untilWaiting(api, 1)
    await send(api, of(tenant))
    await appendTo(api.db.pool, { ...tenant, messageId })
    await notifyFeed(api.db.pool, tenant.tenantId)
    await appendTo(api.db.pool, { ...tenant, messageId, type: 'recipient.bounced' })
    await notifyFeed(api.db.pool, tenant.tenantId)
    expect((await answer).data).toMatchObject([{ type: 'recipient.bounced', message_id: messageId }])
  })

  it('answers without any notification, by the look that all waiting requests share', async () => {
    const tenant = await api.addTenant()
    const messageId = await send(api, of(tenant))
    const answer = readEvents(api, { cursor: await cursorOf(tenant), wait: 60 }, of(tenant))
    await untilWaiting(api, 1)
    // Most often it has begun to wait by then; else its first read finds the event.
    await sleep(200)
    await appendTo(api.db.pool, { ...tenant, messageId })
    expect(idsOf(await answer)).toEqual([messageId])
  })

  it('hears of news by looks while its listening connection is cut again and again', async () => {
    const tenant = await api.addTenant()
    const messageId = await send(api, of(tenant))
    let isCutting = true
    async function cut(): Promise<void> {
      while (isCutting) {
        await api.db.pool.query({
          text: `select pg_terminate_backend(pid) from pg_stat_activity
                 where datname = current_database() and application_name = 'lettergate-listen'`,
        })
        await sleep(20)
      }
    }
    const cutting = cut()
    let { next_cursor: cursor } = await readEvents(api, {}, of(tenant))
    const seen: (string | null)[] = []
    for (let i = 0; i < 3; i++) {
      const answer = readEvents(api, { cursor, wait: 60 }, of(tenant))
      await untilWaiting(api, 1)
      await appendTo(api.db.pool, { ...tenant, messageId })
      const page = await answer
      seen.push(...idsOf(page))
      cursor = page.next_cursor
    }
    isCutting = false
    await cutting
    expect(seen).toEqual([messageId, messageId, messageId])
  })

  it('gives waiters with different cursors and filters each its own events, and none twice', async () => {
    const tenant = await api.addTenant()
    const messageId = await send(api, of(tenant))
    const early = await readEvents(api, {}, of(tenant))
    await appendTo(api.db.pool, { ...tenant, messageId, type: 'recipient.delivered' })
    const late = await readEvents(api, {}, of(tenant))
    const waits = [
      readEvents(api, { cursor: early.next_cursor, wait: 60, types: 'recipient.opened' }, of(tenant)),
      readEvents(api, { cursor: late.next_cursor, wait: 60, types: 'recipient.delivered' }, of(tenant)),
      readEvents(api, { cursor: late.next_cursor, wait: 60, message: messageId }, of(tenant)),
      readEvents(api, { cursor: late.next_cursor, wait: 60, limit: 1 }, of(tenant)),
    ]
    await untilWaiting(api, 4)
    const db = api.db.pool
    const opened = await appendTo(db, { ...tenant, messageId, type: 'recipient.opened' })
    const delivered = await appendTo(db, { ...tenant, messageId, type: 'recipient.delivered' })
    const pages = await Promise.all(waits)
    const seqsOf = (page: Page | undefined) => page?.data.map(({ seq }) => seq)
    expect(seqsOf(pages[0])).toEqual(opened)
    expect(seqsOf(pages[1])).toEqual(delivered)
    // Whether both were there at the first look is a matter of time; the rest comes next, once.
    for (const page of [pages[2], pages[3]]) {
      const rest = await readEvents(api, { cursor: page?.next_cursor }, of(tenant))
      expect([...(seqsOf(page) ?? []), ...(seqsOf(rest) ?? [])]).toEqual([...opened, ...delivered])
    }
  })

  it('lets a client that leaves make room for others', async () => {
    const tenant = await api.addTenant()
    const abort = new AbortController()
    const headers = { authorization: `Bearer ${tenant.liveKey}` }
    const answer = fetch(`${api.url}/v1/events?wait=60`, { headers, signal: abort.signal })
    await untilWaiting(api, 1)
    abort.abort()
    await expect(answer).rejects.toThrow()
    await untilWaiting(api, 0)
  })

  it('answers a key that was revoked meanwhile with 401', async () => {
    const tenant = await api.addTenant()
    const key = await api.addKey(tenant.tenantId, ['events:read'])
    const answer = api.call('GET', `/v1/events?wait=60&cursor=${await cursorOf(tenant)}`, { key })
    await untilWaiting(api, 1)
    await api.db.pool.query({
      text: `update api_key set revoked_at = now() where display = $1`,
      values: [key.slice(0, 12)],
    })
    // Longer than a process may still take it for good.
    await sleep(4_500)
    await send(api, of(tenant))
    expect((await answer).status).toBe(401)
  })

  it('keeps a thousand waiting, answers each with its own tenant’s event, and refuses one more of a tenant', async () => {
    const [many, few] = [await api.addTenant(), await api.addTenant()]
    const cursors = new Map([
      [many, await cursorOf(many)],
      [few, await cursorOf(few)],
    ])
    const ask = (tenant: TestTenant) =>
      api.call('GET', `/v1/events?wait=60&cursor=${cursors.get(tenant)}`, of(tenant))
    const ofMany = Array.from({ length: 1_000 }, () => ask(many))
    await untilWaiting(api, 1_000)
    const ofFew = [ask(few), ask(few)]
    await untilWaiting(api, 1_002)
    expect(await ask(many)).toMatchObject({ status: 429, json: { code: 'rate-limited' } })
    const idOfFew = await send(api, of(few))
    for (const answer of await Promise.all(ofFew)) {
      expect(answer.json.data).toMatchObject([{ message_id: idOfFew }])
    }
    expect(await countWaiting(api)).toBe(1_000)
    const id = await send(api, of(many))
    for (const answer of await Promise.all(ofMany)) {
      expect(answer.json.data).toMatchObject([{ message_id: id }])
    }
  })

  it('misses no event and tells none twice, while 16 writers commit late and in any order', async () => {
    const tenant = await api.addTenant()
    const messageId = await send(api, of(tenant))
    const { next_cursor } = await readEvents(api, {}, of(tenant))
    const pool = createPool({
      url: api.db.url,
      max: 20,
      applicationName: 'test',
      onError: () => {},
      role: 'lettergate_batch',
    })
    async function follow(limit: number, until: Promise<unknown>): Promise<number[]> {
      let cursor = next_cursor
      let isOver = false
      void until.then(() => {
        isOver = true
      })
      const seen: number[] = []
      for (;;) {
        const wasOver = isOver
        const page = await readEvents(api, { cursor, limit, wait: 0.5 }, of(tenant))
        seen.push(...page.data.map(({ seq }) => seq))
        cursor = page.next_cursor
        if (wasOver && page.data.length === 0 && !page.has_more) return seen
      }
    }
    const writing = writeAtOnce(pool, { ...tenant, messageId }, { writers: 16, rounds: 8, delayMs: 150 })
    const seen = await Promise.all([1, 7, 200].map((limit) => follow(limit, writing)))
    const committed = (await writing).sort((a, b) => a - b)
    for (const seqs of seen) expect([...seqs].sort((a, b) => a - b)).toEqual(committed)
    await pool.end()
  })
})

it('a stopping api answers everybody who waits, and their cursors go on elsewhere', async () => {
  const own = await startTestApi()
  const waits = Array.from({ length: 50 }, () => readEvents(own, { wait: 60 }))
  await untilWaiting(own, 50)
  await own.close()
  for (const page of await Promise.all(waits)) expect(page).toMatchObject({ data: [], has_more: false })
})
