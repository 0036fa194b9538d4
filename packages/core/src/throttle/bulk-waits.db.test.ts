import { setTimeout as sleep } from 'node:timers/promises'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest'
import { buildMessage, eventually } from '../../test/build-message.ts'
import { accepted, buildFleet, type FakeConnection } from '../../test/fleet.ts'

let db: TestDatabase
let fleet: Awaited<ReturnType<typeof buildFleet>>
beforeEach(async () => {
  await db?.drop()
  db = await createTestDatabase()
})
afterEach(() => fleet.stop())
afterAll(() => db.drop())

const FLOOD = 300

const bulk = (count: number) =>
  Array.from({ length: count }, (_, n) =>
    buildMessage({ stream: 'bulk', to: [{ address: `b${n}@example.net` }] }),
  )
const sentTo = (address: string) => fleet.sent.findIndex(({ to }) => to[0] === address)

/** Bulk mails that went out between the acceptance of a transactional one and its own attempt. */
async function overtaken(connection: FakeConnection): Promise<number> {
  fleet = await buildFleet(db, [connection])
  await fleet.acceptAll(bulk(FLOOD))
  await fleet.run(() => fleet.sent.length >= 20)
  const sentBefore = fleet.sent.length
  await fleet.accept(['urgent@example.net'])
  await fleet.run(() => sentTo('urgent@example.net') >= 0)
  return sentTo('urgent@example.net') - sentBefore
}

const slow = async () => {
  await sleep(50)
  return accepted
}

test.each<[string, FakeConnection]>([
  ['that makes one call at a time', { answer: slow, limits: { concurrency: 1 } }],
  ['with a rate', { answer: () => accepted, limits: { per_second: 20 } }],
  ['without limits', { answer: slow }],
])('transactional mail overtakes a flood of bulk at a connection %s', async (_what, connection) => {
  expect(await overtaken(connection)).toBeLessThan(50)
})

test('in the queue of a full connection, transactional mail comes first and gets a place, for any amount of waiting bulk', async () => {
  const { promise: answer, resolve: release } = Promise.withResolvers<typeof accepted>()
  fleet = await buildFleet(db, [{ answer: () => answer, limits: { concurrency: 1 } }])
  await fleet.accept(['first@example.net'])
  const ended = fleet.run(() => fleet.sent.length > 0)
  await eventually(async () => (fleet.sent.length > 0 ? true : undefined))
  const { throttle } = fleet.workers[0] ?? {}
  const woken: string[] = []
  const inLine = async (isBulk: boolean) => {
    const ms = await throttle?.queue(fleet.ids[0] ?? '', isBulk)
    if (ms === 0) woken.push(isBulk ? 'bulk' : 'transactional')
    return ms
  }
  // More than it has places for: the last one is deferred.
  const bulk = Array.from({ length: 60 }, () => inLine(true))
  expect(await bulk.at(-1)).toBeGreaterThan(0)
  const urgent = inLine(false)
  release(accepted)
  expect(await urgent).toBe(0)
  expect(woken).toEqual(['transactional'])
  await ended
})
