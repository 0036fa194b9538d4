import { createPool, type Pool } from '@lettergate/db/pool'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { newId } from '@lettergate/db/test/ids'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { buildTenant } from '../../../test/rows.ts'
import { claimLimitsPoll } from './claim-limits-poll.ts'
import { type RateOrder, reserveRate } from './reserve-rate.ts'
import { storeAccountLimits } from './store-account-limits.ts'
import { syncHealth } from './sync-health.ts'

let db: TestDatabase
/** As workers have it, with their rights. */
let pool: Pool
let key: { tenantId: string; connectionId: string }
beforeAll(async () => {
  db = await createTestDatabase()
  pool = createPool({
    url: db.url,
    max: 10,
    applicationName: 'worker',
    role: 'lettergate_batch',
    onError: () => {},
  })
})
afterAll(async () => {
  await pool.end()
  await db.drop()
})
beforeEach(async () => {
  key = { tenantId: await buildTenant(db.pool), connectionId: newId() }
})

async function reserve(change: Partial<RateOrder>) {
  const order = {
    ...key,
    rate: null,
    wanted: 0,
    largest: 1,
    perDay: null,
    wantedOfDay: 0,
    reported: null,
    version: 1,
  }
  const grant = (await reserveRate(pool, [{ ...order, ...change }])).get(key.connectionId)
  if (!grant) throw new Error('no answer')
  return grant
}
const ofDay = async (wantedOfDay: number, change: Partial<RateOrder> = {}) =>
  (await reserve({ perDay: 100, wantedOfDay, ...change })).grantedOfDay
const sum = (list: number[]) => list.reduce((total, n) => total + n, 0)
const forgetHealth = () => db.pool.query({ text: 'delete from connection_health' })
const giveBack = (unused: number) =>
  syncHealth(
    pool,
    'w',
    [
      {
        ...key,
        grow: 0,
        halve: false,
        concurrencyMax: 400,
        pauseMs: null,
        pauseReason: null,
        unused,
        calls: null,
      },
    ],
    60_000,
  )
const tell = (reported: Parameters<typeof storeAccountLimits>[2], usedWhenAsked = 0) =>
  storeAccountLimits(pool, key, reported, usedWhenAsked)
async function version(): Promise<number> {
  const text = 'select connections_version as v from tenant where id = $1'
  const { rows } = await db.pool.query<{ v: number }>({ text, values: [key.tenantId] })
  return rows[0]?.v ?? -1
}

test('the daily count continues after the shared tables were emptied', async () => {
  expect(await ofDay(70)).toBe(70)
  await forgetHealth()
  expect(await ofDay(70)).toBe(30)
  await forgetHealth()
  expect(await ofDay(70)).toBe(0)
})

test('workers that recreate the rows concurrently never exceed the daily limit together', async () => {
  for (let round = 0; round < 5; round++) {
    key = { ...key, connectionId: newId() }
    const granted = await Promise.all(
      Array.from({ length: 40 }, async (_, n) => {
        if (n % 4 === 3) await forgetHealth()
        return ofDay(7)
      }),
    )
    expect(sum(granted)).toBe(100)
  }
})

test('a reservation from before the tables were emptied is returned to the same day', async () => {
  await ofDay(100)
  await forgetHealth()
  await giveBack(40)
  expect(await ofDay(100)).toBe(40)
})

test('a new day begins at zero, also when grants are returned to the day before', async () => {
  await ofDay(100)
  await db.pool.query({ text: 'update connection_usage set day = day - 1' })
  await giveBack(60)
  expect(await ofDay(170)).toBe(100)
})

test('the provider’s day and the tenant’s are counted separately, and the lower limit holds', async () => {
  await giveBack(0)
  await tell({ perDay: 1_000, used: 960 })
  // Others have used most of the account, but nothing of this connection.
  expect(await ofDay(30, { perDay: 50 })).toBe(30)
  expect(await ofDay(30, { perDay: 50 })).toBe(10)
  // The last 24 hours have room again, the day of the tenant has not.
  await tell({ perDay: 1_000, used: 500 }, 1_000)
  expect(await ofDay(30, { perDay: 50 })).toBe(10)
  expect(await ofDay(30, { perDay: 50 })).toBe(0)
  expect(await ofDay(600, { perDay: null })).toBe(490)
  await giveBack(5)
  expect(await ofDay(600, { perDay: null })).toBe(5)
})

test('recipients sent while a provider answered are added to its count', async () => {
  await giveBack(0)
  await tell({ perDay: 1_000, used: 100 })
  const whenAsked = await claimLimitsPoll(pool, key, 300_000)
  expect(whenAsked).toBe(100)
  await ofDay(20)
  await tell({ perDay: 1_000, used: 110 }, whenAsked ?? 0)
  expect(await ofDay(1_000, { perDay: null })).toBe(1_000 - 110 - 20)
})

test('a worker that does not know a new rate reserves at the new rate', async () => {
  await giveBack(0)
  await tell({ perSecond: 10 })
  const starts: number[] = []
  for (let n = 0; n < 30; n++) {
    const reported = { perSecond: n % 2 === 0 ? 10 : 500 }
    const grant = await reserve({ wanted: 1, reported })
    expect(grant.rate).toBe(10)
    starts.push(grant.startMs)
  }
  // A burst of ten, then one each 100 ms, however the workers take turns.
  expect(starts.at(-1)).toBeGreaterThan(1_000)
})

test('provider limits that one worker remembers apply to all after the row was recreated', async () => {
  await reserve({ wanted: 1, reported: { perSecond: 2, perDay: 5 } })
  expect((await reserve({ wanted: 1 })).rate).toBe(2)
  expect(await ofDay(10, { perDay: null })).toBe(5)
})

test('new limits release waiting messages; unchanged limits and counts do not', async () => {
  await giveBack(0)
  const before = await version()
  await tell({ perSecond: 14, perDay: 200, used: 1 })
  expect(await version()).toBe(before + 1)
  await tell({ perSecond: 14, perDay: 200, used: 100 })
  expect(await version()).toBe(before + 1)
  await tell({ perSecond: 14, perDay: 50_000, used: 100 })
  expect(await version()).toBe(before + 2)
})

test('limits can be stored while their connections are deleted, without a deadlock', async () => {
  const sealed = Buffer.alloc(8)
  await db.pool.query({
    text: `insert into data_key (tenant_id, version, root_version, wrapped) values ($1, 1, 1, $2)`,
    values: [key.tenantId, sealed],
  })
  for (let round = 0; round < 40; round++) {
    key = { ...key, connectionId: newId() }
    await db.pool.query({
      text: `insert into connection (tenant_id, id, provider, name, sealed_credentials, data_key_version)
             values ($1, $2, 'ses', 'SES', $3, 1)`,
      values: [key.tenantId, key.connectionId, sealed],
    })
    await giveBack(0)
    await ofDay(1)
    await Promise.all([
      db.tenants.forTenant(key.tenantId).query({
        text: `with changed as (update tenant set connections_version = connections_version + 1 where id = $1)
               delete from connection where tenant_id = $1 and id = $2`,
        values: [key.tenantId, key.connectionId],
      }),
      tell({ perSecond: round + 1, used: 1 }),
      ofDay(1),
    ])
  }
})

test('sending times start again with a new version of the connections, and not when two workers see two rates', async () => {
  const hour = { rate: 10, wanted: 20_000 }
  expect((await reserve(hour))?.startMs).toBeLessThanOrEqual(0)
  const seconds = async (change: Partial<RateOrder>) => (await reserve(change))?.startMs ?? 0
  expect(await seconds({ rate: 10, wanted: 1 })).toBeGreaterThan(1_900_000)
  expect(await seconds({ rate: 5, wanted: 1 })).toBeGreaterThan(1_900_000)
  expect(await seconds({ rate: 10, wanted: 1, version: 2 })).toBeLessThanOrEqual(0)
  // A worker that has not heard of it yet.
  expect(await seconds({ rate: 5, wanted: 100, version: 1 })).toBeLessThan(1_000)
  expect(await seconds({ rate: 10, wanted: 1, version: 2 })).toBeGreaterThan(15_000)
})

test('a message with more recipients than the daily limit is the first and only message of a day', async () => {
  const large = { perDay: 20, largest: 50, wantedOfDay: 50 }
  expect((await reserve(large))?.grantedOfDay).toBe(50)
  expect((await reserve(large))?.grantedOfDay).toBe(0)
})

test('the first reported halving starts from the number of calls in use', async () => {
  const pending = { grow: 0, halve: true, concurrencyMax: 20, pauseMs: null, pauseReason: null, unused: 0 }
  const [health] = await syncHealth(pool, 'w', [{ ...key, ...pending, calls: null }], 60_000)
  expect(health?.concurrency).toBe(10)
})
