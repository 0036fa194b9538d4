import { createSecretKey } from 'node:crypto'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { type FeedQuery, readFeed } from '../../test/read-feed.ts'
import { buildRow, buildTenant, buildUnit } from '../../test/rows.ts'
import { acceptMessages } from '../accept/index.ts'
import { appendAccountEvents } from '../lib/index.ts'
import { cancelMessage, createMessageReader } from '../messages/index.ts'
import { ensureUsage } from '../usage/index.ts'
import { presentEvent } from './present-event.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await createTestDatabase()
})
afterAll(() => db.drop())
afterEach(() => {
  vi.useRealTimers()
})

const cursorKey = { sign: createSecretKey(Buffer.alloc(32, 1)) }

function read(tenantId: string, query: FeedQuery, { limit = 100, mode = 'live' } = {}) {
  return readFeed({ tenants: db.tenants, cursorKey, keptDays: 30 }, { tenantId, mode }, query, limit)
}

async function accept(count: number, given?: string): Promise<{ tenantId: string; ids: string[] }> {
  const tenantId = given ?? (await buildTenant(db.pool))
  await ensureUsage(db.pool, [{ id: tenantId, mode: 'live' }])
  const rows = Array.from({ length: count }, () => buildRow())
  await acceptMessages(db.pool, [buildUnit(tenantId, rows)])
  return { tenantId, ids: rows.map(({ id }) => id) }
}

async function cancel(tenantId: string, id = ''): Promise<void> {
  const messages = createMessageReader({ pool: db.pool })
  await cancelMessage({ tenants: db.tenants, messages }, { tenantId, mode: 'live' }, id)
}

test('reads each event of a tenant as the message shows it, and no event of another tenant', async () => {
  const { tenantId, ids } = await accept(1)
  await accept(1)
  await cancel(tenantId, ids[0])
  const { events } = await read(tenantId, { after: 'beginning' })
  const common = {
    messageId: ids[0],
    connectionId: null,
    stream: 'transactional',
    at: expect.any(Date),
    data: null,
    tags: expect.any(Array),
    metadata: expect.any(Object),
    callbackUrl: null,
  }
  expect(events).toEqual([
    { ...common, seq: 0, type: 'message.accepted', address: null },
    { ...common, seq: expect.any(Number), type: 'recipient.cancelled', address: 'user@example.net' },
  ])
  const { rows } = await db.pool.query({
    text: `select (select created_at from message where id = $1) as accepted, (select at from event where message_id = $1) as cancelled`,
    values: [ids[0]],
  })
  expect(events.map(({ at }) => at)).toEqual([rows[0].accepted, rows[0].cancelled])
  expect((await read(tenantId, { after: 'beginning' }, { mode: 'test' })).events).toEqual([])
})

test('pages of one statement’s events follow each other, and new events follow them', async () => {
  const { tenantId, ids } = await accept(5)
  const seen: string[] = []
  let after = 'beginning'
  for (let page = 0; page < 5; page++) {
    const { events, nextCursor } = await read(tenantId, { after }, { limit: 2 })
    seen.push(...events.map(({ messageId }) => messageId ?? ''))
    after = nextCursor
    if (page === 0) ids.push(...(await accept(1, tenantId)).ids)
  }
  expect(seen).toEqual(ids)
})

test('a reader that starts now gets only what is committed afterwards', async () => {
  const { tenantId } = await accept(1)
  const { events, nextCursor } = await read(tenantId, { after: 'now' })
  expect(events).toEqual([])
  const { ids } = await accept(1, tenantId)
  expect((await read(tenantId, { after: nextCursor })).events).toMatchObject([{ messageId: ids[0] }])
})

test('a filter leaves out other types and connections', async () => {
  const { tenantId, ids } = await accept(2)
  await cancel(tenantId, ids[1])
  const typesOf = async (query: Partial<FeedQuery>) =>
    (await read(tenantId, { after: 'beginning', ...query })).events.map(({ type }) => type)
  expect(await typesOf({ types: ['recipient.cancelled'] })).toEqual(['recipient.cancelled'])
  expect(await typesOf({ types: ['recipient.sent'] })).toEqual([])
  expect(await typesOf({ connectionId: tenantId })).toEqual([])
})

test('a message whose rows were dropped is left out, and the others are read', async () => {
  const { tenantId, ids } = await accept(2)
  await db.pool.query({ text: 'delete from message where id = $1', values: [ids[0]] })
  expect((await read(tenantId, { after: 'beginning' })).events).toMatchObject([{ messageId: ids[1] }])
})

test('a cursor older than the kept events is refused, never answered with an empty page', async () => {
  const { tenantId } = await accept(1)
  const { nextCursor } = await read(tenantId, { after: 'beginning' })
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 29 * 86_400_000 })
  expect((await read(tenantId, { after: nextCursor })).events).toEqual([])
  vi.setSystemTime(Date.now() + 2 * 86_400_000)
  await expect(read(tenantId, { after: nextCursor })).rejects.toMatchObject({ code: 'cursor-expired' })
  expect((await read(tenantId, { after: 'beginning' })).events).toHaveLength(1)
})

test('a replay from the beginning that was left in its midst expires too, since its rest is gone', async () => {
  const { tenantId } = await accept(3)
  const { nextCursor } = await read(tenantId, { after: 'beginning' }, { limit: 1 })
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 29 * 86_400_000 })
  expect((await read(tenantId, { after: nextCursor })).events).toHaveLength(2)
  vi.setSystemTime(Date.now() + 2 * 86_400_000)
  await expect(read(tenantId, { after: nextCursor })).rejects.toMatchObject({ code: 'cursor-expired' })
})

test("another tenant's cursor is refused", async () => {
  const [mine, theirs] = [await accept(1), await accept(1)]
  const { nextCursor } = await read(theirs.tenantId, { after: 'beginning' })
  await expect(read(mine.tenantId, { after: nextCursor })).rejects.toMatchObject({ code: 'cursor-invalid' })
})

test('after a restore into a cluster with lower transaction numbers, cursors continue and miss nothing', async () => {
  const { tenantId, ids } = await accept(5)
  const inMidst = (await read(tenantId, { after: 'beginning' }, { limit: 2 })).nextCursor
  const atEnd = (await read(tenantId, { after: 'beginning' })).nextCursor
  await db.pool.query({
    text: `create or replace function feed_base() returns bigint language sql immutable as $$ select 3000000::bigint $$`,
  })
  try {
    const { ids: later } = await accept(3, tenantId)
    const all = [...ids, ...later]
    const follow = async (after: string) => {
      const seen: string[] = []
      for (let page = 0; page < 10; page++) {
        const { events, nextCursor } = await read(tenantId, { after }, { limit: 2 })
        seen.push(...events.map(({ messageId }) => messageId ?? ''))
        after = nextCursor
      }
      return seen
    }
    expect(await follow('beginning')).toEqual(all)
    expect(await follow(inMidst)).toEqual(all)
    expect(await follow(atEnd)).toEqual(later)
  } finally {
    await db.pool.query({
      text: `create or replace function feed_base() returns bigint language sql immutable as $$ select 0::bigint $$`,
    })
  }
})

test('an event of the account has no message, and comes in order', async () => {
  const { tenantId } = await accept(1)
  await db.pool.query({
    text: `with ${appendAccountEvents(`select $1::uuid as tenant_id, 'endpoint.disabled' as type, '{"reason":"gone"}'::json as data`)} select`,
    values: [tenantId],
  })
  await accept(1, tenantId)
  const { events } = await read(tenantId, { after: 'beginning' })
  expect(events.map(({ type }) => type)).toEqual([
    'message.accepted',
    'endpoint.disabled',
    'message.accepted',
  ])
  expect(events.map(presentEvent)[1]).toMatchObject({
    message_id: null,
    recipient: null,
    status: null,
    reason: 'gone',
    tags: [],
    metadata: {},
  })
})
