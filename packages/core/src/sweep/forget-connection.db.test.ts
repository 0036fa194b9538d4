import { createPool, type Pool } from '@lettergate/db/pool'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { newId } from '@lettergate/db/test/ids'
import { toFailure } from '@lettergate/providers/lib/to-failure'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { eventually } from '../../test/build-message.ts'
import { buildFleet } from '../../test/fleet.ts'
import { sweepSteps } from './sweep.ts'

let db: TestDatabase
let fleet: Awaited<ReturnType<typeof buildFleet>>
/** As a worker has it, with the rights of a worker. */
let pool: Pool
beforeEach(async () => {
  db = await createTestDatabase()
  pool = createPool({
    url: db.url,
    max: 2,
    applicationName: 'worker',
    role: 'lettergate_batch',
    onError: () => {},
  })
  fleet = await buildFleet(db, [{ answer: () => toFailure('provider-unavailable', '503 down') }])
  await db.pool.query({
    text: `insert into data_key (tenant_id, version, root_version, wrapped) values ($1, 1, 1, '\\x00')`,
    values: [fleet.tenantId],
  })
  await insert(fleet.ids[0] ?? '')
})
afterEach(async () => {
  vi.useRealTimers()
  await fleet.stop()
  await pool.end()
  await db.drop()
})

async function insert(id: string): Promise<void> {
  await db.pool.query({
    text: `insert into connection (tenant_id, id, provider, name, sealed_credentials, data_key_version)
           values ($1, $2, 'smtp', 'Relay', '\\x00', 1)`,
    values: [fleet.tenantId, id],
  })
}

/** The rows that workers write for a connection while they use it, whether it exists or not. */
async function use(id: string): Promise<void> {
  for (const text of [
    'insert into connection_health (tenant_id, connection_id) values ($1, $2)',
    'insert into connection_usage (tenant_id, connection_id, day, used) values ($1, $2, current_date, 7)',
    `insert into connection_event (tenant_id, connection_id, type) values ($1, $2, 'connection.unhealthy')`,
  ])
    await db.pool.query({ text, values: [fleet.tenantId, id] })
}

async function rowsOf(id: string): Promise<number> {
  const { rows } = await db.pool.query<{ n: number }>({
    text: `select (select count(*) from connection_health where connection_id = $1)::int
             + (select count(*) from connection_usage where connection_id = $1)::int
             + (select count(*) from connection_event where connection_id = $1)::int as n`,
    values: [id],
  })
  return rows[0]?.n ?? -1
}

const forget = () => sweepSteps.forgetConnections({ pool, repeatWindowMs: () => 0 })
const openNow = () => fleet.workers[0]?.throttle.counts().open

/** The faked clock begins at 0, the real one began with the process. */
function passTime(ms: number): void {
  const now = performance.now()
  vi.useFakeTimers({ toFake: ['performance'] })
  vi.advanceTimersByTime(now + ms)
}

async function openCircuit(): Promise<void> {
  await fleet.accept(...Array.from({ length: 8 }, (_, n) => [`n${n}@example.net`]))
  await fleet.run(async () => (await fleet.health(0))?.state === 'open')
  await eventually(async () => (openNow() === 1 ? true : undefined))
}

test('no worker counts a deleted connection as open', async () => {
  await openCircuit()
  // Not in use at that time, so that no worker looks it up.
  passTime(60_000)
  await db.pool.query({ text: 'delete from connection' })
  await eventually(async () => (openNow() === 0 ? true : undefined))
})

test('an unused connection stops counting as open', async () => {
  await openCircuit()
  passTime(10 * 60_000)
  expect(openNow()).toBe(1)
  vi.advanceTimersByTime(2 * 60_000)
  expect(openNow()).toBe(0)
})

test('rows that workers wrote for a deleted connection are removed, and no row of an existing one', async () => {
  const [own = ''] = fleet.ids
  const gone = Array.from({ length: 450 }, newId)
  const there = [own, newId(), newId()]
  for (const id of there.slice(1)) await insert(id)
  for (const id of [...there, ...gone]) await use(id)
  expect(await forget()).toBe(450)
  const left = await Promise.all([...gone, ...there].map(rowsOf))
  expect(left).toEqual([...gone.map(() => 0), 3, 3, 3])
  expect(await forget()).toBe(0)
})

test('a row that is written after the others of its connection were removed is removed as well', async () => {
  const [health, usage] = [newId(), newId()]
  for (const id of [health, usage]) await use(id)
  await db.pool.query({ text: 'delete from connection_usage where connection_id = $1', values: [health] })
  await db.pool.query({ text: 'delete from connection_health where connection_id = $1', values: [usage] })
  await forget()
  expect([await rowsOf(health), await rowsOf(usage)]).toEqual([0, 0])
})

test('a locked row is skipped, and deleted by the next run', async () => {
  const [held, other] = [newId(), newId()]
  for (const id of [held, other]) await use(id)
  const worker = await db.pool.connect()
  await worker.query('begin')
  await worker.query({
    text: 'select from connection_health where connection_id = $1 for update',
    values: [held],
  })
  await forget()
  expect([await rowsOf(held), await rowsOf(other)]).toEqual([1, 0])
  await worker.query('rollback')
  worker.release()
  await forget()
  expect(await rowsOf(held)).toBe(0)
})
