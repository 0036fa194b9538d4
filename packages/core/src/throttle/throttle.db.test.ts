import { setTimeout as sleep } from 'node:timers/promises'
import { toFailure } from '@lettergate/providers/lib/to-failure'
import { expect, test, vi } from 'vitest'
import { eventually } from '../../test/build-message.ts'
import { accepted, type FakeConnection, type OwnFleet, openFleet } from '../../test/fleet.ts'
import { sweepSteps } from '../sweep/index.ts'

const works: FakeConnection = { answer: () => accepted }
const to = (n: number) => Array.from({ length: n }, (_, index) => [`n${index}@example.net`])
const sentBy = (fleet: OwnFleet, connection: number) =>
  fleet.sent.filter((one) => one.connection === connection)

async function events({ db }: OwnFleet): Promise<string[]> {
  const { rows } = await db.pool.query<{ type: string }>({
    text: 'select type from connection_event order by seq',
  })
  return rows.map(({ type }) => type)
}

/** Lets the time come at which an open circuit may be tried again. */
async function letRetry({ db }: OwnFleet): Promise<void> {
  await db.pool.query({ text: 'update connection_health set retry_at = now()' })
  await db.pool.query({ text: `select pg_notify('lg_connection', '')` })
  await sleep(100)
  await db.pool.query({ text: 'update outbox set due_at = now()' })
}

test.concurrent('a provider that asks for a pause gets it from every worker, and other connections send meanwhile', async () => {
  const busy: FakeConnection = { answer: () => toFailure('provider-rate-limited', '429 slow down', 30_000) }
  await using fleet = await openFleet([busy, works], { workers: 2 })
  await fleet.accept(...to(2))
  await fleet.run(fleet.isEmpty)
  await sleep(400)
  const before = sentBy(fleet, 0).length
  expect(before).toBeLessThanOrEqual(2)
  await fleet.accept(...to(20))
  await fleet.run(fleet.isEmpty)
  expect(sentBy(fleet, 0)).toHaveLength(before)
  expect(await fleet.statuses()).toEqual({ sent: 22 })
})

test.concurrent('a message that waits for a paused connection shows the reason, keeps its place and counts no attempt', async () => {
  let answers = 0
  const busy: FakeConnection = {
    answer: () => (answers++ === 0 ? toFailure('provider-rate-limited', '429', 2_000) : accepted),
  }
  await using fleet = await openFleet([busy])
  await fleet.accept(...to(1))
  await fleet.run(() => answers > 0)
  await fleet.accept(...to(1))
  await fleet.run(fleet.allWait)
  expect((await fleet.backlog()).map(({ why }) => why)).toEqual(expect.arrayContaining(['paused', null]))
  await fleet.run(fleet.isEmpty)
  const numbers = (await fleet.attempts()).flatMap(({ outcome, number }) =>
    outcome === 'accepted' ? [number] : [],
  )
  expect(numbers.sort()).toEqual([1, 2])
})

test.concurrent('case 17: a message whose provider asks for one second is sent soon after that second, and not before', async () => {
  const times: number[] = []
  const busy: FakeConnection = {
    answer: () =>
      times.push(Date.now()) === 1 ? toFailure('provider-rate-limited', '429', 1_000) : accepted,
  }
  await using fleet = await openFleet([busy])
  await fleet.accept(...to(1))
  await fleet.run(fleet.isEmpty)
  const [first = 0, second = 0] = times
  expect(second - first).toBeGreaterThanOrEqual(1_000)
  expect(second - first).toBeLessThan(30_000)
})

test.concurrent('two workers share one rate, and nothing is lost when the shared tables are emptied', async () => {
  await using fleet = await openFleet([{ ...works, limits: { per_second: 20 } }], { workers: 2 })
  await fleet.accept(...to(60))
  await fleet.run(fleet.isEmpty)
  const [first] = fleet.sent
  const times = fleet.sent.map(({ at }) => at - (first?.at ?? 0))
  expect(new Set(fleet.sent.map(({ worker }) => worker)).size).toBe(2)
  for (const [index, time] of times.sort((a, b) => a - b).entries()) {
    // A burst of one second, then the rate. A time that was reserved is used some 100 ms late, the first one as well.
    expect(index + 1).toBeLessThanOrEqual(20 + ((time + 300) * 20) / 1000)
  }
  // No message reserves twice: that would delay the others more and more.
  expect(fleet.reserved.reduce((sum, n) => sum + n)).toBe(60)
  expect(await fleet.statuses()).toEqual({ sent: 60 })
  await fleet.accept(...to(40))
  await fleet.run(async () => {
    await fleet.db.pool.query({ text: 'delete from connection_health' })
    return fleet.isEmpty()
  })
  expect(await fleet.statuses()).toEqual({ sent: 100 })
})

test.concurrent('a message with a distant sending time returns to the backlog with its time reserved', async () => {
  await using fleet = await openFleet([{ ...works, limits: { per_second: 0.5 } }])
  await fleet.accept(...to(4))
  await fleet.run(fleet.allWait)
  const waits = await fleet.backlog()
  expect(waits.every(({ why }) => why === 'rate')).toBe(true)
  expect(fleet.sent).toHaveLength(1)
  const [one, two] = waits
  expect((two?.in_ms ?? 0) - (one?.in_ms ?? 0)).toBeGreaterThan(1_800)
  await fleet.run(() => fleet.sent.length === 2)
  expect((fleet.sent[1]?.at ?? 0) - (fleet.sent[0]?.at ?? 0)).toBeLessThan(4_000)
})

test.concurrent('a message with more recipients than one hour allows is sent', async () => {
  await using fleet = await openFleet([{ ...works, limits: { per_second: 0.001 } }])
  await fleet.accept(Array.from({ length: 10 }, (_, index) => `n${index}@example.net`))
  await fleet.run(fleet.isEmpty)
  expect(await fleet.statuses()).toEqual({ sent: 10 })
})

test.concurrent('a changed limit releases messages that wait for the old one', async () => {
  const slow: FakeConnection = { ...works, limits: { per_second: 0.001 } }
  await using fleet = await openFleet([slow])
  await fleet.accept(...to(3))
  await fleet.run(async () => fleet.sent.length === 1 && (await fleet.allWait()))
  slow.limits = {}
  await fleet.stop()
  await fleet.db.pool.query({ text: 'update tenant set connections_version = connections_version + 1' })
  const released = () => sweepSteps.releaseWaiting({ pool: fleet.db.pool, repeatWindowMs: () => 0 })
  expect(await released()).toBe(2)
  expect(await released()).toBe(0)
  expect((await fleet.backlog()).map(({ state }) => state)).toEqual(['ready', 'ready'])
})

test.concurrent('a daily limit counts sent recipients and survives a restart', async () => {
  let refuse = true
  const answer = () => {
    refuse = !refuse
    return refuse ? accepted : toFailure('recipient-deferred', '451')
  }
  await using fleet = await openFleet([{ answer, limits: { per_day: 3 } }])
  await fleet.accept(...to(3))
  await fleet.run(fleet.allWait)
  await sleep(600)
  const again = async () => {
    await fleet.db.pool.query({ text: `update outbox set state = 'ready' where state = 'waiting'` })
    await fleet.run(fleet.allWait)
    // Returned recipients reach all workers within a quarter of a second.
    await sleep(400)
  }
  await again()
  const taken = (await fleet.attempts()).filter(({ outcome }) => outcome === 'accepted').length
  expect(taken).toBe(2)
  expect((await fleet.health(0))?.day_used).toBe(taken)
  await fleet.accept(...to(6))
  for (let round = 0; round < 4; round++) await again()
  const all = (await fleet.attempts()).filter(({ outcome }) => outcome === 'accepted').length
  expect(all).toBe(3)
  expect((await fleet.backlog()).some(({ why }) => why === 'day')).toBe(true)
})

test.concurrent('a message beyond a daily limit uses another connection, and shows the reason; without another it waits', async () => {
  await using fleet = await openFleet([{ ...works, limits: { per_day: 3 } }, works])
  await fleet.accept(...to(10))
  await fleet.run(fleet.isEmpty)
  expect([sentBy(fleet, 0).length, sentBy(fleet, 1).length]).toEqual([3, 7])
  const others = (await fleet.attempts()).filter(({ connection }) => connection === 1)
  const skipped = [{ connection: fleet.ids[0], why: 'its daily limit is used up' }]
  expect(others.map(({ choice }) => choice?.skipped)).toEqual(others.map(() => skipped))
})

test.concurrent('sending times that passed during an outage are reserved again, without a burst', async () => {
  await using fleet = await openFleet([{ ...works, limits: { per_second: 4 } }])
  await fleet.accept(...to(40))
  await fleet.run(async () => (await fleet.backlog()).every(({ why }) => why !== null))
  await fleet.db.pool.query({ text: `update outbox set due_at = now() - interval '1 minute'` })
  const before = fleet.sent.length
  const start = performance.now()
  await fleet.run(() => performance.now() - start > 2_000)
  // For any real length of the two seconds on a busy machine: a burst of one second, and the messages that the rate allows.
  const seconds = (performance.now() - start) / 1_000
  expect(fleet.sent.length - before).toBeLessThanOrEqual(4 + Math.ceil(4 * seconds) + 4)
})

test.concurrent('days of waiting for a limit do not count towards the retry limit', async () => {
  const answer = () => toFailure('recipient-deferred', '451 greylisted')
  await using fleet = await openFleet([{ answer, limits: { per_second: 1 } }])
  await fleet.accept(...to(3))
  const isPaced = async () => (await fleet.backlog()).some(({ why }) => why === 'rate')
  await fleet.run(isPaced)
  // As though it had been deferred for four days.
  await fleet.db.pool.query({
    text: `update outbox set first_due_at = first_due_at - interval '4 days', throttled_ms = case when throttled_ms > 0 then 4 * 86400000.0 else 0 end
           where wait_why = 'rate'`,
  })
  await fleet.db.pool.query({ text: 'update outbox set due_at = now()' })
  await fleet.run(async () => (await fleet.attempts()).length >= 3)
  expect(await fleet.statuses()).toEqual({ deferred: 3 })
})

test.concurrent('a daily limit is exact for all workers together, also when the shared tables are emptied repeatedly', async () => {
  await using fleet = await openFleet([{ ...works, limits: { per_day: 30 } }], { workers: 3 })
  await fleet.accept(...to(90))
  await fleet.run(async () => {
    await fleet.db.pool.query({ text: 'delete from connection_health' })
    return fleet.allWait()
  })
  expect(fleet.sent).toHaveLength(30)
  expect((await fleet.backlog()).every(({ why }) => why === 'day')).toBe(true)
})

test.concurrent('concurrent calls reach the limit of a connection, and never exceed it', async () => {
  let [busy, most] = [0, 0]
  async function answer() {
    most = Math.max(most, ++busy)
    await sleep(20)
    busy--
    return accepted
  }
  await using fleet = await openFleet([{ answer, limits: { concurrency: 3 } }])
  await fleet.accept(...to(60))
  await fleet.run(fleet.isEmpty)
  expect(most).toBe(3)
  expect(await fleet.statuses()).toEqual({ sent: 60 })
})

test.concurrent('a connection that does not answer gets fewer concurrent calls, one that answers gets more', async () => {
  await using fleet = await openFleet([works])
  await fleet.accept(...to(100))
  await fleet.run(fleet.isEmpty)
  await sleep(400)
  const grown = (await fleet.health(0))?.concurrency ?? 0
  expect(grown).toBeGreaterThan(64.5)
  await using silent = await openFleet([{ answer: () => toFailure('outcome-unknown', 'no answer') }])
  await silent.accept(...to(1))
  await silent.run(silent.isEmpty)
  await sleep(400)
  expect((await silent.health(0))?.concurrency).toBe(32)
})

test.concurrent('a circuit opens once for all workers, sends one probe at a time, and closes after a successful probe', async () => {
  let isDown = true
  const answer = async () => {
    await sleep(isDown ? 0 : 300)
    return isDown ? toFailure('provider-unavailable', '503 down') : accepted
  }
  await using fleet = await openFleet([{ answer }], { workers: 2 })
  await fleet.accept(...to(40))
  await fleet.run(async () => (await fleet.health(0))?.state === 'open' && (await fleet.allWait()))
  expect(await events(fleet)).toEqual(['connection.unhealthy'])
  await fleet.accept(...to(10))
  const before = fleet.sent.length
  await fleet.run(fleet.allWait)
  expect(fleet.sent).toHaveLength(before)
  expect((await fleet.backlog()).some(({ why, in_ms }) => why === 'circuit' && in_ms > 2_500)).toBe(true)

  // The probe fails: open again, for twice as long, and the tenant is not reported again.
  await letRetry(fleet)
  await fleet.run(async () => fleet.sent.length > before && (await fleet.allWait()))
  await sleep(100)
  expect(fleet.sent).toHaveLength(before + 1)
  expect(await fleet.health(0)).toMatchObject({ state: 'open', opened: 2 })

  isDown = false
  await letRetry(fleet)
  await fleet.run(() => fleet.sent.length > before + 1)
  await sleep(100)
  expect(fleet.sent).toHaveLength(before + 2)
  await fleet.run(async () => {
    await fleet.db.pool.query({ text: `update outbox set due_at = now() where state = 'waiting'` })
    return fleet.isEmpty()
  })
  expect(await fleet.statuses()).toEqual({ sent: 50 })
  expect(await events(fleet)).toEqual(['connection.unhealthy', 'connection.healthy'])
})

test.concurrent('of many messages that arrive when a circuit may be probed, one sends the probe', async () => {
  const hangs = Promise.withResolvers<void>()
  await using fleet = await openFleet([{ answer: () => hangs.promise.then(() => accepted) }])
  await fleet.db.pool.query({
    text: `insert into connection_health (tenant_id, connection_id, state, opened, retry_at)
           values ($1, $2, 'open', 1, now())`,
    values: [fleet.tenantId, fleet.ids[0]],
  })
  await fleet.accept(...to(40))
  const query = vi.spyOn(fleet.db.pool, 'query')
  const running = fleet.run(() => fleet.sent.length === 1)
  await eventually(async () => {
    const waiting = (await fleet.backlog()).filter(({ state }) => state === 'waiting')
    return waiting.length === 39 ? true : undefined
  })
  const asked = query.mock.calls.filter((call) => JSON.stringify(call).includes('"take-probe"'))
  query.mockRestore()
  hangs.resolve()
  await running
  expect(asked).toHaveLength(1)
  expect(fleet.sent).toHaveLength(1)
})

test.concurrent('a probe that was never sent leaves the circuit open, and the next message probes it', async () => {
  let answers = 0
  const answer = () => (answers++ === 0 ? toFailure('connection-busy', 'busy') : accepted)
  await using fleet = await openFleet([{ answer }])
  await fleet.db.pool.query({
    text: `insert into connection_health (tenant_id, connection_id, state, opened, retry_at)
           values ($1, $2, 'open', 1, now())`,
    values: [fleet.tenantId, fleet.ids[0]],
  })
  await fleet.accept(...to(1))
  await fleet.run(async () => answers === 1 && (await fleet.allWait()))
  await sleep(100)
  expect((await fleet.health(0))?.state).not.toBe('closed')
  await fleet.db.pool.query({ text: 'update outbox set due_at = now()' })
  await fleet.run(fleet.isEmpty)
  expect((await fleet.health(0))?.state).toBe('closed')
})

test.concurrent('with one dead and two working connections, no message waits, and the dead one is not called before its probe is due', async () => {
  const dead: FakeConnection = { answer: () => toFailure('provider-unreachable', 'connect ECONNREFUSED') }
  await using fleet = await openFleet([dead, works, works])
  await fleet.accept(...to(100))
  await fleet.run(fleet.isEmpty)
  expect(await fleet.statuses()).toEqual({ sent: 100 })
  const before = sentBy(fleet, 0).length
  await fleet.accept(...to(50))
  await fleet.run(fleet.isEmpty)
  expect(sentBy(fleet, 0)).toHaveLength(before)
  const { choice } = (await fleet.attempts()).at(-1) ?? {}
  expect(choice?.skipped).toEqual([{ connection: fleet.ids[0], why: 'its circuit breaker is open' }])
})

test.concurrent('a worker that dies with the probe blocks it no longer than its lease', async () => {
  await using fleet = await openFleet([works])
  await fleet.db.pool.query({
    text: `insert into connection_health (tenant_id, connection_id, state, opened, retry_at, probe_until)
           values ($1, $2, 'half-open', 1, now(), now() + interval '1 s')`,
    values: [fleet.tenantId, fleet.ids[0]],
  })
  await fleet.accept(...to(1))
  await fleet.run(fleet.allWait)
  expect(await fleet.backlog()).toMatchObject([{ why: 'circuit' }])
  await fleet.run(fleet.isEmpty)
  expect((await fleet.health(0))?.state).toBe('closed')
})
