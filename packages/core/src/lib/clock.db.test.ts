import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createDatabaseClock } from './clock.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await createTestDatabase()
})
afterAll(() => db.drop())

const wrong = () => Date.now() - 3 * 86_400_000

test('on a machine whose clock is days wrong, the clock gives the time of the database', async () => {
  const clock = createDatabaseClock({ pool: db.pool, onError: () => {}, machineNow: wrong })
  await clock.start()
  const { rows } = await db.pool.query<{ now: Date }>({ text: 'select clock_timestamp() as now' })
  clock.stop()
  expect(Math.abs(clock.now() - (rows[0]?.now.getTime() ?? 0))).toBeLessThan(1_000)
})

test('without a database, the clock gives the time of the machine, and logs the reason', async () => {
  const errors: unknown[] = []
  const away = { query: () => Promise.reject(new Error('away')) }
  const clock = createDatabaseClock({
    pool: away,
    onError: (error) => errors.push(error),
    machineNow: () => 42,
  })
  await clock.start()
  clock.stop()
  expect(clock.now()).toBe(42)
  expect(errors).toHaveLength(1)
})
