import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildRow, buildTenant, buildUnit } from '../../../test/rows.ts'
import { ensureUsage } from '../../usage/index.ts'
import { type AcceptRow, acceptMessages } from './accept-messages.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await createTestDatabase()
})
afterAll(() => db.drop())

type Limits = { day: number; month: number | null; pool: number | null; bytes: number | null }

async function tenantWith(limits: Limits): Promise<string> {
  const tenantId = await buildTenant(db.pool, { dailyLimit: limits.day })
  await ensureUsage(db.pool, [{ id: tenantId, mode: 'live' }])
  await db.pool.query({
    text: 'update usage set month_limit = $2, pool_limit = $3, bytes_limit = $4 where tenant_id = $1',
    values: [tenantId, limits.month, limits.pool, limits.bytes],
  })
  return tenantId
}

type Way = NonNullable<AcceptRow['pool']>
const ways: Way[] = [
  { pool: 'no', overflow: 'reject' },
  { pool: 'may', overflow: 'reject' },
  { pool: 'must', overflow: 'reject' },
  { pool: 'must', overflow: 'hold' },
]

const mail = (size: number, pool: Way): AcceptRow =>
  buildRow({
    pool,
    contentBytes: size * 10,
    recipients: Array.from({ length: size }, (_, i) => ({
      kind: 'to',
      address: `u${i}@b.example`,
      name: null,
    })),
  })

async function countersAndRows(tenantId: string) {
  const { rows } = await db.pool.query<{ counted: unknown; stored: unknown }>({
    text: `select (select json_build_object('day', accepted, 'pool', pool, 'bytes', bytes) from usage where tenant_id = $1) as counted,
                  (select json_build_object('day', coalesce(sum(recipient_count), 0), 'pool', coalesce(sum(pool_n), 0),
                                            'bytes', coalesce(sum(content_bytes), 0)) from message where tenant_id = $1) as stored`,
    values: [tenantId],
  })
  return rows[0]
}

test('for any requests at once, no counter goes over its limit, nothing is refused while there is room, and counters equal what is stored', async () => {
  const limit = fc.option(fc.integer({ min: 0, max: 60 }), { nil: null })
  const limits = fc.record({
    day: fc.integer({ min: 0, max: 80 }),
    month: limit,
    pool: limit,
    bytes: fc.option(fc.integer({ min: 0, max: 600 }), { nil: null }),
  })
  const asked = fc.tuple(fc.integer({ min: 1, max: 9 }), fc.constantFrom(...ways))
  const writers = fc.array(fc.array(asked, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 8 })
  await fc.assert(
    fc.asyncProperty(limits, writers, async (most, given) => {
      const tenantId = await tenantWith(most)
      const done = await Promise.all(
        given.map(async (asks) => {
          const units = asks.map(([size, way]) => buildUnit(tenantId, [mail(size, way)]))
          const results = await acceptMessages(db.pool, units)
          return results.map((result, i) => ({ result, size: asks[i]?.[0] ?? 0, way: asks[i]?.[1] }))
        }),
      )
      const end = await countersAndRows(tenantId)
      expect(end?.counted).toEqual(end?.stored)
      for (const { result, size, way } of done.flat()) {
        const { usage, verdict, held } = result
        if (!usage) throw new Error('no row of usage')
        for (const { used, limit } of Object.values(usage))
          expect(used).toBeLessThanOrEqual(limit ?? Infinity)
        if (held.length > 0) expect(usage.pool.used + size).toBeGreaterThan(usage.pool.limit ?? Infinity)
        if (verdict === 'day') expect(usage.day.used + size).toBeGreaterThan(usage.day.limit ?? Infinity)
        if (verdict === 'month')
          expect(usage.month.used + size).toBeGreaterThan(usage.month.limit ?? Infinity)
        if (verdict === 'bytes')
          expect(usage.bytes.used + size * 10).toBeGreaterThan(usage.bytes.limit ?? Infinity)
        if (verdict === 'pool') {
          expect(way).toEqual({ pool: 'must', overflow: 'reject' })
          expect(usage.pool.used + size).toBeGreaterThan(usage.pool.limit ?? Infinity)
        }
      }
    }),
    { numRuns: 40 },
  )
}, 120_000)

test('mail that only the pool can carry is held until the next day when the share is used up, and its recipients say why', async () => {
  const tenantId = await tenantWith({ day: 100, month: null, pool: 2, bytes: null })
  const hold: Way = { pool: 'must', overflow: 'hold' }
  const [first, second] = await acceptMessages(db.pool, [
    buildUnit(tenantId, [mail(2, hold)], { connectionsVersion: 0 }),
    buildUnit(tenantId, [mail(3, hold)], { connectionsVersion: 0 }),
  ])
  expect(first).toMatchObject({ verdict: 'go', held: [] })
  expect(second).toMatchObject({ verdict: 'go', held: [expect.any(String)] })
  const { rows } = await db.pool.query({
    text: `select o.state, o.wait_version, o.due_at > now() as later, o.due_at <= (current_date at time zone 'utc' + interval '1 day 1 minute') as soon,
                  array_agg(distinct r.status) as statuses, array_agg(distinct split_part(r.reason, ':', 1)) as reasons, m.pool_day is null as off
           from outbox o join recipient r using (tenant_id, message_id) join message m on m.tenant_id = o.tenant_id and m.id = o.message_id
           where o.tenant_id = $1 group by 1, 2, 3, 4, 7 order by state`,
    values: [tenantId],
  })
  expect(rows).toEqual([
    {
      state: 'ready',
      wait_version: null,
      later: false,
      soon: true,
      statuses: ['queued'],
      reasons: [null],
      off: false,
    },
    {
      state: 'waiting',
      wait_version: 0,
      later: true,
      soon: true,
      statuses: ['held'],
      reasons: ['provider-required'],
      off: true,
    },
  ])
  const { rows: events } = await db.pool.query({
    text: `select count(*)::int4 as n from event where tenant_id = $1 and type = 'recipient.held'`,
    values: [tenantId],
  })
  expect(events).toEqual([{ n: 3 }])
})

test('a way that was judged by older connections is refused, and told the version', async () => {
  const tenantId = await tenantWith({ day: 10, month: null, pool: 10, bytes: null })
  await db.pool.query({ text: 'update tenant set connections_version = 7 where id = $1', values: [tenantId] })
  const unit = (connectionsVersion: number) =>
    buildUnit(tenantId, [mail(1, { pool: 'must', overflow: 'reject' })], { connectionsVersion })
  const results = await acceptMessages(db.pool, [unit(6), unit(7), buildUnit(tenantId)])
  expect(results.map(({ verdict, connectionsVersion }) => [verdict, connectionsVersion])).toEqual([
    ['stale', 7],
    ['go', 7],
    ['go', 7],
  ])
})

test('within one request, each message of the pool is judged by itself, and the request by its sum', async () => {
  const tenantId = await tenantWith({ day: 100, month: null, pool: 5, bytes: null })
  const rows = [
    mail(3, { pool: 'may', overflow: 'reject' }),
    mail(2, { pool: 'must', overflow: 'reject' }),
    mail(4, { pool: 'must', overflow: 'hold' }),
  ]
  const [result] = await acceptMessages(db.pool, [buildUnit(tenantId, rows)])
  expect(result).toMatchObject({
    verdict: 'go',
    usage: { day: { used: 9 }, pool: { used: 5 } },
    held: [rows[2]?.id],
  })
  const [refused] = await acceptMessages(db.pool, [
    buildUnit(tenantId, [
      mail(1, { pool: 'no', overflow: 'reject' }),
      mail(1, { pool: 'must', overflow: 'reject' }),
    ]),
  ])
  expect(refused).toMatchObject({ verdict: 'pool', usage: { day: { used: 9 } } })
})
