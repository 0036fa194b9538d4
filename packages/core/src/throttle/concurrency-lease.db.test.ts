import { setTimeout as sleep } from 'node:timers/promises'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { toFailure } from '@lettergate/providers/lib/to-failure'
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest'
import { eventually } from '../../test/build-message.ts'
import { accepted, buildFleet, type FakeConnection } from '../../test/fleet.ts'

let db: TestDatabase
let fleet: Awaited<ReturnType<typeof buildFleet>>
beforeEach(async () => {
  await db?.drop()
  db = await createTestDatabase()
})
afterEach(() => fleet.stop())
afterAll(() => db.drop())

const to = (n: number) => Array.from({ length: n }, (_, index) => [`n${index}@example.net`])
const isEmpty = async () => (await fleet.backlog()).length === 0
const again = () => db.pool.query({ text: `update outbox set due_at = now() where state = 'waiting'` })
/** Like a backlog that is checked all the time: these tests are not about waits. */
const untilEmpty = async () => {
  await again()
  return isEmpty()
}
const workersUsed = () => new Set(fleet.sent.map(({ worker }) => worker)).size

/** A connection that counts the concurrent calls of all workers. */
function counting(concurrency: number, ms = 20) {
  const seen = { busy: 0, most: 0 }
  const answer: FakeConnection['answer'] = async () => {
    seen.most = Math.max(seen.most, ++seen.busy)
    await sleep(ms)
    seen.busy--
    return accepted
  }
  return { seen, connection: { answer, limits: { concurrency } } }
}

test.each([1, 2, 3, 5, 10])(
  'three workers together never make more than %i concurrent calls',
  async (limit) => {
    const { seen, connection } = counting(limit)
    fleet = await buildFleet(db, [connection], { workers: 3 })
    await fleet.accept(...to(60))
    await fleet.run(untilEmpty)
    expect(seen.most).toBe(limit)
    expect(await fleet.statuses()).toEqual({ sent: 60 })
  },
)

test('all workers make calls when the limit has room for all', async () => {
  const { seen, connection } = counting(6, 60)
  fleet = await buildFleet(db, [connection], { workers: 3 })
  await fleet.accept(...to(150))
  await fleet.run(untilEmpty)
  expect(workersUsed()).toBe(3)
  expect(seen.most).toBeLessThanOrEqual(6)
})

test('a limit applies although the shared tables are emptied repeatedly', async () => {
  const { seen, connection } = counting(2)
  fleet = await buildFleet(db, [connection], { workers: 3 })
  await fleet.accept(...to(60))
  await fleet.run(async () => {
    await db.pool.query({ text: 'delete from connection_health' })
    return untilEmpty()
  })
  expect(seen.most).toBe(2)
})

test('single messages are sent by the worker that has them, without waiting for idle workers', async () => {
  const { seen, connection } = counting(1)
  fleet = await buildFleet(db, [connection], { workers: 3 })
  for (let n = 0; n < 9; n++) {
    await fleet.accept(...to(1))
    await fleet.run(isEmpty)
  }
  expect((await fleet.attempts()).length).toBe(9)
  expect(workersUsed()).toBe(3)
  expect(seen.most).toBe(1)
})

test('the share of a dead worker is free when its lease expires, and not before', async () => {
  const { seen, connection } = counting(1)
  let wasHeld: boolean | undefined
  const answer: FakeConnection['answer'] = async (message) => {
    wasHeld ??= (await isHeld()) ?? false
    return connection.answer(message)
  }
  fleet = await buildFleet(db, [{ ...connection, answer }], { workers: 2 })
  const isHeld = async () => {
    const { rows } = await db.pool.query<{ held: boolean }>({
      text: `select bool_or(until > now()) as held from connection_share where worker = 'dead'`,
    })
    return rows[0]?.held
  }
  await db.pool.query({
    text: `insert into connection_share (tenant_id, connection_id, worker, share, wants, until)
           values ($1, $2, 'dead', 1, 1, now() + interval '2 s')`,
    values: [fleet.tenantId, fleet.ids[0]],
  })
  await fleet.accept(...to(6))
  await fleet.run(untilEmpty)
  expect(wasHeld).toBe(false)
  expect(seen.most).toBe(1)
  expect(await fleet.statuses()).toEqual({ sent: 6 })
})

test('a worker that stops releases its share to the others immediately', async () => {
  const { connection } = counting(1)
  fleet = await buildFleet(db, [connection], { workers: 2 })
  await fleet.accept(...to(4))
  await fleet.run(untilEmpty)
  await Promise.all(fleet.workers.map(({ throttle }) => throttle.stop()))
  const { rows } = await db.pool.query({ text: 'select worker, share from connection_share' })
  expect(rows).toEqual([])
})

test('a lowered limit applies to all workers after the calls in progress have ended', async () => {
  const { seen, connection } = counting(8, 30)
  fleet = await buildFleet(db, [connection], { workers: 3 })
  await fleet.accept(...to(40))
  await fleet.run(untilEmpty)
  connection.limits.concurrency = 1
  // Until every worker has reported that it has heard of it.
  await eventually(async () => {
    const { rows } = await db.pool.query<{ n: number }>({
      text: 'select coalesce(sum(share), 0)::int as n from connection_share',
    })
    return (rows[0]?.n ?? 9) <= 1 ? true : undefined
  })
  seen.most = 0
  await fleet.accept(...to(20))
  await fleet.run(untilEmpty)
  expect(seen.most).toBe(1)
})

test('a probe counts as a call and waits for its turn', async () => {
  const { seen, connection } = counting(1, 50)
  let answers = 0
  const answer: FakeConnection['answer'] = async (message) => {
    const outcome = await connection.answer(message)
    return answers++ % 7 < 5 ? toFailure('provider-unavailable', '503') : outcome
  }
  fleet = await buildFleet(db, [{ ...connection, answer }], { workers: 3 })
  await fleet.accept(...to(20))
  await fleet.run(async () => {
    await db.pool.query({
      text: `update connection_health set retry_at = now(), probe_until = case when state = 'half-open' then now() else probe_until end`,
    })
    await db.pool.query({ text: `select pg_notify('lg_connection', '')` })
    return untilEmpty()
  })
  expect(seen.most).toBe(1)
})
