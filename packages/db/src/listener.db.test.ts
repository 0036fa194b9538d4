import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../test/database.ts'
import { createListener } from './listener.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await createTestDatabase()
})
afterAll(() => db.drop())

test('channels that are listened to and left at the same time send one statement after the other', async () => {
  const errors: Error[] = []
  const listener = createListener({
    url: db.url,
    heartbeatMs: 1,
    onError: (error) => void errors.push(error),
  })
  await listener.on('first', () => undefined)
  const running = new Set<unknown>()
  let most = 0
  const { query } = pg.Client.prototype
  pg.Client.prototype.query = new Proxy(query, {
    apply(target, client, args) {
      const answer = Promise.resolve(Reflect.apply(target, client, args))
      running.add(answer)
      most = Math.max(most, running.size)
      return answer.finally(() => running.delete(answer))
    },
  })
  const got: string[] = []
  const stops = await Promise.all(
    Array.from({ length: 20 }, (_, at) => listener.on(`c${at}`, (payload) => void got.push(payload))),
  )
  await sleep(20)
  for (const stop of stops.slice(1)) stop()
  await listener.on('c1', (payload) => void got.push(payload))
  pg.Client.prototype.query = query
  expect(most).toBe(1)
  await db.pool.query("select pg_notify('c' || i, i::text) from generate_series(0, 19) i")
  await expect.poll(() => got.sort(), { timeout: 10_000 }).toEqual(['0', '1'])
  await listener.close()
  expect(errors).toEqual([])
})
