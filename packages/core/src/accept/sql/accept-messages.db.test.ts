import { randomBytes } from 'node:crypto'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildRow, buildTenant, buildUnit } from '../../../test/rows.ts'
import { ensureUsage } from '../../usage/index.ts'
import { acceptMessages, acceptUsual } from './accept-messages.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await createTestDatabase()
})
afterAll(() => db.drop())

async function tenantWithUsage(dailyLimit: number): Promise<string> {
  const tenantId = await buildTenant(db.pool, { dailyLimit })
  await ensureUsage(db.pool, [{ id: tenantId, mode: 'live' }])
  return tenantId
}

async function counts(
  tenantId: string,
): Promise<{ messages: number; recipients: number; outbox: number; used: number }> {
  const { rows } = await db.pool.query<{
    messages: number
    recipients: number
    outbox: number
    used: number
  }>({
    text: `select (select count(*) from message where tenant_id = $1) as messages,
                  (select count(*) from recipient where tenant_id = $1) as recipients,
                  (select count(*) from outbox where tenant_id = $1) as outbox,
                  (select sum(accepted) from usage where tenant_id = $1) as used`,
    values: [tenantId],
  })
  const row = rows[0]
  if (!row) throw new Error('no row')
  return row
}

const many = (count: number) =>
  buildRow({
    recipients: Array.from({ length: count }, (_, index) => ({
      kind: 'to',
      address: `u${index}@example.net`,
      name: null,
    })),
  })

test('the first request of the day reports the missing usage row, and nothing is written', async () => {
  const tenantId = await buildTenant(db.pool)
  const [result] = await acceptMessages(db.pool, [buildUnit(tenantId)])
  expect(result).toMatchObject({ admitted: false, verdict: 'no-day', usage: null })
  expect(await counts(tenantId)).toMatchObject({ messages: 0, outbox: 0 })
})

test('an admitted request has written every row and counted its recipients', async () => {
  const tenantId = await tenantWithUsage(10)
  const [result] = await acceptMessages(db.pool, [buildUnit(tenantId, [many(3), many(2)])])
  expect(result).toMatchObject({ admitted: true, usage: { day: { used: 5, limit: 10 } } })
  expect(await counts(tenantId)).toEqual({ messages: 2, recipients: 5, outbox: 2, used: 5 })
})

test('concurrent requests never exceed the limit, and a request is refused only if it does not fit', async () => {
  const limit = 100
  const tenantId = await tenantWithUsage(limit)
  const sizes = Array.from({ length: 120 }, (_, index) => 1 + ((index * 7) % 9))
  const batches = Array.from({ length: 12 }, (_, index) => sizes.slice(index * 10, index * 10 + 10))
  const results = await Promise.all(
    batches.map(async (batch) => {
      const answers = await acceptMessages(
        db.pool,
        batch.map((size) => buildUnit(tenantId, [many(size)])),
      )
      return answers.map((answer, index) => ({ admitted: answer.admitted, size: batch[index] ?? 0 }))
    }),
  )
  const all = results.flat()
  const admitted = all.filter((one) => one.admitted).reduce((sum, one) => sum + one.size, 0)
  const smallestRefused = Math.min(...all.filter((one) => !one.admitted).map((one) => one.size))
  expect(admitted).toBeLessThanOrEqual(limit)
  expect(limit - admitted).toBeLessThan(smallestRefused)
  expect(await counts(tenantId)).toMatchObject({ recipients: admitted, used: admitted })
})

test('one request over the limit does not refuse the others of its batch', async () => {
  const full = await tenantWithUsage(1)
  const free = await tenantWithUsage(10)
  const results = await acceptMessages(db.pool, [
    buildUnit(full, [many(2)]),
    buildUnit(free),
    buildUnit(full),
  ])
  expect(results.map((result) => result.admitted)).toEqual([false, true, true])
})

test('a batch of messages is admitted completely or not at all', async () => {
  const tenantId = await tenantWithUsage(3)
  const [result] = await acceptMessages(db.pool, [buildUnit(tenantId, [many(2), many(2)])])
  expect(result?.admitted).toBe(false)
  expect(await counts(tenantId)).toEqual({ messages: 0, recipients: 0, outbox: 0, used: 0 })
})

test('one idempotency key is stored once, within a batch and across connections', async () => {
  const tenantId = await tenantWithUsage(100)
  const idempotency = { keyHash: randomBytes(32), bodyHash: randomBytes(32), answer: '{}' }
  const unit = () => buildUnit(tenantId, [buildRow()], { idempotency })
  const results = await Promise.all([
    acceptMessages(db.pool, [unit(), unit()]),
    acceptMessages(db.pool, [unit()]),
    acceptMessages(db.pool, [unit(), unit()]),
  ])
  expect(results.flat().filter((result) => result.admitted)).toHaveLength(1)
  expect(await counts(tenantId)).toMatchObject({ messages: 1, used: 1 })
})

test('a request that the quota refuses leaves its idempotency key free', async () => {
  const tenantId = await tenantWithUsage(1)
  const idempotency = { keyHash: randomBytes(32), bodyHash: randomBytes(32), answer: '{}' }
  await acceptMessages(db.pool, [buildUnit(tenantId, [many(2)], { idempotency })])
  const [result] = await acceptMessages(db.pool, [buildUnit(tenantId, [many(1)], { idempotency })])
  expect(result?.admitted).toBe(true)
})

test('concurrent batches of many tenants never deadlock', async () => {
  const tenants = await Promise.all(Array.from({ length: 8 }, () => tenantWithUsage(10_000)))
  const rounds = Array.from({ length: 30 }, (_, round) =>
    acceptMessages(
      db.pool,
      tenants.map((_, index) => buildUnit(tenants[(index * 3 + round) % tenants.length] ?? '')),
    ),
  )
  await Promise.all(rounds)
  for (const tenantId of tenants) expect(await counts(tenantId)).toMatchObject({ messages: 30, used: 30 })
})

test('a scheduled message waits, a due one is ready', async () => {
  const tenantId = await tenantWithUsage(10)
  await acceptMessages(db.pool, [
    buildUnit(tenantId, [buildRow({ sendAt: new Date(Date.now() + 3_600_000) })]),
    buildUnit(tenantId),
  ])
  const { rows } = await db.pool.query<{ state: string; status: string }>({
    text: `select o.state, r.status from outbox o join recipient r using (tenant_id, message_id)
           where tenant_id = $1 order by state`,
    values: [tenantId],
  })
  expect(rows).toEqual([
    { state: 'ready', status: 'queued' },
    { state: 'waiting', status: 'scheduled' },
  ])
})

test('the first statement leaves no trace of a request that needs the second one, and stores the others', async () => {
  const [full, suppressed] = [await tenantWithUsage(2), await tenantWithUsage(10)]
  const sandbox = { kind: 'to' as const, address: 'suppressed@sandbox.lettergate.dev', name: null }
  const idempotency = { keyHash: randomBytes(32), bodyHash: randomBytes(32), answer: '{}' }
  const units = [
    buildUnit(full, [many(2)], { idempotency }),
    buildUnit(full),
    buildUnit(suppressed, [buildRow({ recipients: [sandbox] })]),
    buildUnit(suppressed, [many(3)]),
  ]
  const results = await acceptUsual(db.pool, units)
  expect(results.map((result) => result?.verdict ?? null)).toEqual([null, null, null, 'go'])
  expect(await counts(full)).toEqual({ messages: 0, recipients: 0, outbox: 0, used: 0 })
  expect(await counts(suppressed)).toEqual({ messages: 1, recipients: 3, outbox: 1, used: 3 })
  const again = await acceptMessages(db.pool, units.slice(0, 3))
  expect(again.map(({ verdict }) => verdict)).toEqual(['day', 'go', 'go'])
})
