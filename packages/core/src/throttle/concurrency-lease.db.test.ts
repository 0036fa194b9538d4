import { setTimeout as sleep } from 'node:timers/promises'
import { toFailure } from '@lettergate/providers/lib/to-failure'
import { expect, test } from 'vitest'
import { eventually } from '../../test/build-message.ts'
import { accepted, type FakeConnection, type OwnFleet, openFleet } from '../../test/fleet.ts'

const to = (n: number) => Array.from({ length: n }, (_, index) => [`n${index}@example.net`])
/** Like a backlog that is checked all the time: these tests are not about waits. */
const untilEmpty = (fleet: OwnFleet) => async () => {
  await fleet.db.pool.query({ text: `update outbox set due_at = now() where state = 'waiting'` })
  return fleet.isEmpty()
}
const workersUsed = (fleet: OwnFleet) => new Set(fleet.sent.map(({ worker }) => worker)).size

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

test.concurrent.each([1, 2, 3, 5, 10])(
  'three workers together never make more than %i concurrent calls',
  async (limit) => {
    const { seen, connection } = counting(limit)
    await using fleet = await openFleet([connection], { workers: 3 })
    await fleet.accept(...to(60))
    await fleet.run(untilEmpty(fleet))
    expect(seen.most).toBe(limit)
    expect(await fleet.statuses()).toEqual({ sent: 60 })
  },
)

test.concurrent('all workers make calls when the limit has room for all', async () => {
  const { seen, connection } = counting(6, 60)
  await using fleet = await openFleet([connection], { workers: 3 })
  await fleet.accept(...to(150))
  await fleet.run(untilEmpty(fleet))
  expect(workersUsed(fleet)).toBe(3)
  expect(seen.most).toBeLessThanOrEqual(6)
})

test.concurrent('a limit applies although the shared tables are emptied repeatedly', async () => {
  const { seen, connection } = counting(2)
  await using fleet = await openFleet([connection], { workers: 3 })
  await fleet.accept(...to(60))
  await fleet.run(async () => {
    await fleet.db.pool.query({ text: 'delete from connection_health' })
    return untilEmpty(fleet)()
  })
  expect(seen.most).toBe(2)
})

test.concurrent('single messages are sent by the worker that has them, without waiting for idle workers', async () => {
  const { seen, connection } = counting(1)
  await using fleet = await openFleet([connection], { workers: 3 })
  for (let n = 0; n < 9; n++) {
    await fleet.accept(...to(1))
    await fleet.run(fleet.isEmpty)
  }
  expect((await fleet.attempts()).length).toBe(9)
  expect(workersUsed(fleet)).toBe(3)
  expect(seen.most).toBe(1)
})

test.concurrent('the share of a dead worker is free when its lease expires, and not before', async () => {
  const { seen, connection } = counting(1)
  let wasHeld: boolean | undefined
  const answer: FakeConnection['answer'] = async (message) => {
    wasHeld ??= (await isHeld()) ?? false
    return connection.answer(message)
  }
  await using fleet = await openFleet([{ ...connection, answer }], { workers: 2 })
  const isHeld = async () => {
    const { rows } = await fleet.db.pool.query<{ held: boolean }>({
      text: `select bool_or(until > now()) as held from connection_share where worker = 'dead'`,
    })
    return rows[0]?.held
  }
  await fleet.db.pool.query({
    text: `insert into connection_share (tenant_id, connection_id, worker, share, wants, until)
           values ($1, $2, 'dead', 1, 1, now() + interval '2 s')`,
    values: [fleet.tenantId, fleet.ids[0]],
  })
  await fleet.accept(...to(6))
  await fleet.run(untilEmpty(fleet))
  expect(wasHeld).toBe(false)
  expect(seen.most).toBe(1)
  expect(await fleet.statuses()).toEqual({ sent: 6 })
})

test.concurrent('a worker that stops releases its share to the others immediately', async () => {
  const { connection } = counting(1)
  await using fleet = await openFleet([connection], { workers: 2 })
  await fleet.accept(...to(4))
  await fleet.run(untilEmpty(fleet))
  await Promise.all(fleet.workers.map(({ throttle }) => throttle.stop()))
  const { rows } = await fleet.db.pool.query({ text: 'select worker, share from connection_share' })
  expect(rows).toEqual([])
})

test.concurrent('a lowered limit applies to all workers after the calls in progress have ended', async () => {
  const { seen, connection } = counting(8, 30)
  await using fleet = await openFleet([connection], { workers: 3 })
  await fleet.accept(...to(40))
  await fleet.run(untilEmpty(fleet))
  connection.limits.concurrency = 1
  // Until every worker has reported that it has heard of it.
  await eventually(async () => {
    const { rows } = await fleet.db.pool.query<{ n: number }>({
      text: 'select coalesce(sum(share), 0)::int as n from connection_share',
    })
    return (rows[0]?.n ?? 9) <= 1 ? true : undefined
  })
  seen.most = 0
  await fleet.accept(...to(20))
  await fleet.run(untilEmpty(fleet))
  expect(seen.most).toBe(1)
})

test.concurrent('a probe counts as a call and waits for its turn', async () => {
  const { seen, connection } = counting(1, 50)
  let answers = 0
  const answer: FakeConnection['answer'] = async (message) => {
    const outcome = await connection.answer(message)
    return answers++ % 7 < 5 ? toFailure('provider-unavailable', '503') : outcome
  }
  await using fleet = await openFleet([{ ...connection, answer }], { workers: 3 })
  await fleet.accept(...to(20))
  await fleet.run(async () => {
    await fleet.db.pool.query({
      text: `update connection_health set retry_at = now(), probe_until = case when state = 'half-open' then now() else probe_until end`,
    })
    await fleet.db.pool.query({ text: `select pg_notify('lg_connection', '')` })
    return untilEmpty(fleet)()
  })
  expect(seen.most).toBe(1)
})
