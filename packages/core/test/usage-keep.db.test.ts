import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { acceptMessages } from '../src/accept/index.ts'
import { sweepSteps } from '../src/sweep/index.ts'
import { ensureUsage, FIRST_USAGE, giveNotices, proveUsage, rollUpConnections } from '../src/usage/index.ts'
import { buildRow, buildTenant, buildUnit } from './rows.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await createTestDatabase()
})
afterAll(() => db.drop())

const FIRST = '00000000-0000-0000-0000-000000000000'
const query = async (text: string, values: unknown[] = []) => (await db.pool.query({ text, values })).rows

beforeEach(async () => {
  await query(`delete from usage`)
  await query(`update usage_proof set day = usage_today(), reached = $1`, [FIRST])
})

async function tenantWith(dailyLimit: number): Promise<string> {
  const tenantId = await buildTenant(db.pool, { dailyLimit })
  await ensureUsage(db.pool, [{ id: tenantId, mode: 'live' }])
  return tenantId
}

const accept = (tenantId: string, n = 1) =>
  acceptMessages(db.batch, [
    buildUnit(
      tenantId,
      Array.from({ length: n }, () => buildRow({ pool: { pool: 'may', overflow: 'reject' } })),
    ),
  ])
const notify = () => giveNotices(db.batch, FIRST_USAGE, 100)
const eventsOf = (tenantId: string) =>
  query(`select type, data -> 'detail' as detail from account_event where tenant_id = $1 order by seq`, [
    tenantId,
  ])

test('a tenant is told once at four fifths and once at all of a limit, however often and by how many it is looked at', async () => {
  const tenantId = await tenantWith(10)
  await accept(tenantId, 7)
  await notify()
  expect(await eventsOf(tenantId)).toEqual([])
  await accept(tenantId, 1)
  await Promise.all([notify(), notify(), notify()])
  await accept(tenantId, 2)
  await Promise.all([notify(), notify()])
  await notify()
  const detail = {
    counter: 'day',
    mode: 'live',
    limit: 10,
    resets_at: expect.stringMatching(/T00:00:00.000Z$/),
  }
  expect(await eventsOf(tenantId)).toEqual([
    { type: 'usage.warned', detail: { ...detail, used: 8 } },
    { type: 'usage.exhausted', detail: { ...detail, used: 10 } },
  ])
})

test('who uses all at once is told of that alone, and of the month once in the month', async () => {
  const tenantId = await tenantWith(100)
  await query(`update usage set month_limit = 4, pool_limit = 0 where tenant_id = $1`, [tenantId])
  await accept(tenantId, 4)
  await notify()
  await query(`update usage set month_before = 4, accepted = 0 where tenant_id = $1`, [tenantId])
  await notify()
  expect(await eventsOf(tenantId)).toEqual([
    { type: 'usage.exhausted', detail: expect.objectContaining({ counter: 'month', used: 4, limit: 4 }) },
  ])
})

test('a notice that could not be stored whole was not given, and is given by the next look', async () => {
  const tenantId = await tenantWith(1)
  await accept(tenantId)
  await query(`alter table account_event add constraint broken check (type <> 'usage.exhausted') not valid`)
  await expect(notify()).rejects.toThrow('broken')
  await query(`alter table account_event drop constraint broken`)
  expect(await query(`select from usage_notice where tenant_id = $1`, [tenantId])).toHaveLength(0)
  await notify()
  expect(await eventsOf(tenantId)).toHaveLength(1)
})

test('every page of rows is looked at', async () => {
  const tenants = await Promise.all(Array.from({ length: 5 }, () => tenantWith(1)))
  for (const tenantId of tenants) await accept(tenantId)
  let given = 0
  for (let after = FIRST_USAGE as typeof FIRST_USAGE | null; after; ) {
    const { count, next } = await giveNotices(db.batch, after, 2)
    given += count
    after = next
  }
  expect(given).toBe(5)
})

test('the proof finds nothing where counters are right, and names each one that is not', async () => {
  const [right, wrong] = [await tenantWith(10), await tenantWith(10)]
  await accept(right, 3)
  await accept(wrong, 3)
  expect(await proveUsage({ pool: db.batch }, 'tenant')).toEqual([])
  await query(`update usage set accepted = 2, pool = 4, bytes = bytes + 1 where tenant_id = $1`, [wrong])
  const found = await proveUsage({ pool: db.batch }, 'tenant')
  expect(
    found.map(({ tenantId, counter, counted, stored }) => ({ tenantId, counter, by: counted - stored })),
  ).toEqual([
    { tenantId: wrong, counter: 'day', by: -1 },
    { tenantId: wrong, counter: 'pool', by: 1 },
    { tenantId: wrong, counter: 'bytes', by: 1 },
  ])
  // The comparison changes no counter.
  expect(await proveUsage({ pool: db.batch }, 'tenant')).toHaveLength(3)
})

test('a closed day is proved once, tenant by tenant, by any number of workers', async () => {
  const tenantId = await tenantWith(10)
  await query(
    `insert into usage (tenant_id, day, mode, accepted, day_limit, closed) values ($1, usage_today() - 1, 'live', 5, 10, true)`,
    [tenantId],
  )
  await query(`update usage_proof set day = usage_today() - 2 where walk = 'day'`)
  const found = (await Promise.all([1, 2, 3].map(() => proveUsage({ pool: db.batch }, 'day')))).flat()
  found.push(...(await proveUsage({ pool: db.batch }, 'day')))
  expect(found).toEqual([expect.objectContaining({ tenantId, counter: 'day', counted: 5, stored: 0 })])
  expect(await query(`select day = usage_today() as done from usage_proof where walk = 'day'`)).toEqual([
    { done: true },
  ])
})

test('what connections did is counted from the feed, the same however often it is counted', async () => {
  const tenantId = await tenantWith(10)
  const connectionId = '00000000-0000-4000-8000-000000000001'
  await query(
    `insert into feed (tenant_id, message_id, connection_id, seq, type, is_bulk, mode)
     select $1, gen_random_uuid(), $2, nextval('event_seq'), type, false, 'live' from unnest(array[2, 2, 2, 8, 9, 3]) as type`,
    [tenantId, connectionId],
  )
  for (let i = 0; i < 3; i++) await rollUpConnections(db.batch, { daysAgo: 0, after: FIRST, limit: 1_000 })
  expect(
    await query(
      `select connection_id, sent, bounced, complained from usage_connection where tenant_id = $1`,
      [tenantId],
    ),
  ).toEqual([{ connection_id: connectionId, sent: 3, bounced: 1, complained: 1 }])
})

test('usage is kept for 400 days', async () => {
  const tenantId = await tenantWith(10)
  await query(
    `insert into usage (tenant_id, day, mode, closed) select $1, usage_today() - age, 'live', true from unnest(array[399, 400, 401, 500]) as age`,
    [tenantId],
  )
  await sweepSteps.expireUsage({ pool: db.batch, repeatWindowMs: () => 0 })
  expect(
    await query(`select usage_today() - day as age from usage where tenant_id = $1 order by 1`, [tenantId]),
  ).toEqual([{ age: 0 }, { age: 399 }, { age: 400 }])
})
