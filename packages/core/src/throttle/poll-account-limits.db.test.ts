import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { createTestDatabase } from '@lettergate/db/test/database'
import { respond } from '@lettergate/providers/test/http-peer'
import { expect, test } from 'vitest'
import { eventually } from '../../test/build-message.ts'
import { playAccount, quota } from '../../test/fake-account.ts'
import { accepted, buildFleet, type FakeConnection } from '../../test/fleet.ts'
import { sweepSteps } from '../sweep/index.ts'

type Answer = ReturnType<typeof quota>
type Account = Awaited<ReturnType<typeof playAccount>>
type Options = Parameters<typeof buildFleet>[2] & { limits?: FakeConnection['limits']; connections?: number }
type Row = {
  reported: { perSecond?: number; perDay?: number } | null
  reported_used: number | null
  used: number | null
}

const to = (n: number) => Array.from({ length: n }, (_, index) => [`n${index}@example.net`])

/** Workers on a database of their own, with one account at a fake SES, which answers `answer`. */
async function begin(answer: Answer, options: Options = {}) {
  const db = await createTestDatabase()
  const account = await playAccount(answer)
  const { through } = account
  const limits = options.limits ?? {}
  const connections = Array.from({ length: options.connections ?? 1 }, () => ({
    answer: () => accepted,
    through,
    limits,
  }))
  const fleet = await buildFleet(db, connections, { workers: 2, ...options })

  const isEmpty = async () => (await fleet.backlog()).length === 0
  /** What else a running installation does meanwhile. */
  const release = () => sweepSteps.releaseWaiting({ pool: db.pool, repeatWindowMs: () => 0 })

  async function row(): Promise<Row | undefined> {
    const { rows } = await db.pool.query<Row>({
      text: 'select h.reported_limits as reported, u.reported_used, u.used from connection_health h left join connection_usage u using (tenant_id, connection_id)',
    })
    return rows[0]
  }

  /** As if the interval after which a provider is asked again were over. */
  async function letTimePass(): Promise<void> {
    await db.pool.query({ text: `update connection_health set asked_at = asked_at - interval '6 minutes'` })
  }

  return {
    async [Symbol.asyncDispose]() {
      await fleet.stop()
      await account.close()
      await db.drop()
    },
    db,
    account,
    fleet,
    isEmpty,
    allWait: async () => (await fleet.backlog()).every(({ state }) => state === 'waiting'),
    release,
    row,
    letTimePass,
    hasReported: (reported: Row['reported']) => async () => {
      await release()
      return isDeepStrictEqual((await row())?.reported, reported)
    },
    /** Lets a provider be asked again. A call that has ended is pending, so that its worker looks at once and not in two seconds. */
    async letAsk(): Promise<void> {
      await fleet.accept(...to(1))
      await fleet.run(isEmpty)
      await letTimePass()
    },
    /** Waits for the end of one question, and checks its result. */
    async hasAsked(result: string): Promise<void> {
      await eventually(async () => (fleet.asked.length > 0 ? true : undefined))
      expect(fleet.asked).toEqual([result])
    },
  }
}

/**
 * The same once all workers have used the connection, and know what the account may send: `reported`. No call is under way then, so
 * the fake has counted everything that was sent.
 */
async function start(
  answerOf: (account: Account) => Answer,
  reported: NonNullable<Row['reported']>,
  options: Options = {},
) {
  const run = await begin(respond(500, '{}'), options)
  const { fleet, account } = run
  await fleet.accept(...to(fleet.workers.length))
  await fleet.run(async () => fleet.asked.length > 0 && (await run.isEmpty()))
  account.state.account = answerOf(account)
  await run.letAsk()
  await fleet.run(run.hasReported(reported))
  // Until all have heard of it, by NOTIFY.
  await sleep(200)
  fleet.asked.length = 0
  return run
}

/** Says what it counts itself, and `others` that came by other ways. */
const counting =
  (rate: number, perDay: number, others = 0) =>
  (account: Account): Answer =>
  (response, exchange) =>
    quota(rate, perDay, others + account.taken())(response, exchange)

/** Whether never more went out than a burst of one second and the rate allow. */
function expectRate(sent: { at: number }[], rate: number): void {
  const times = sent.map(({ at }) => at).sort((a, b) => a - b)
  for (const [index, time] of times.entries()) {
    // A time that was reserved is used some 100 ms late, the first one as well.
    expect(index + 1).toBeLessThanOrEqual(rate + ((time - (times[0] ?? 0) + 300) * rate) / 1000)
  }
}

test.concurrent('all workers together keep the rate that the provider reports', async () => {
  await using run = await start(() => quota(20, 50_000), { perSecond: 20, perDay: 50_000 }, { workers: 3 })
  const { fleet, isEmpty } = run
  const before = fleet.sent.length
  await fleet.accept(...to(60))
  await fleet.run(isEmpty)
  const sent = fleet.sent.slice(before)
  expect(sent).toHaveLength(60)
  expect(new Set(sent.map(({ worker }) => worker)).size).toBe(3)
  expectRate(sent, 20)
})

test.concurrent('all workers together keep the daily limit that the provider reports, whatever else used it', async () => {
  await using run = await start(counting(500, 30, 12), { perSecond: 500, perDay: 30 })
  const { account, fleet, allWait } = run
  await fleet.accept(...to(40))
  await fleet.run(allWait)
  expect(account.taken()).toBe(30 - 12)
  expect((await fleet.backlog()).every(({ why }) => why === 'day')).toBe(true)
})

test.concurrent('room that a rolling day has again is used when the provider is asked next', async () => {
  await using run = await start(() => quota(500, 30, 30), {
    perSecond: 500,
    perDay: 30,
  })
  const { db, account, fleet, allWait, row, letTimePass } = run
  await fleet.accept(...to(40))
  await fleet.run(allWait)
  const before = account.taken()
  account.state.account = quota(500, 30, 20)
  await letTimePass()
  await eventually(async () => ((await row())?.reported_used === 20 ? true : undefined))
  await db.pool.query({ text: `update outbox set due_at = now() where state = 'waiting'` })
  await fleet.run(async () => account.taken() > before && (await allWait()))
  expect(account.taken() - before).toBe(10)
})

test.concurrent('a provider’s count that is an hour old blocks no message', async () => {
  await using run = await start(() => quota(500, 30, 30), {
    perSecond: 500,
    perDay: 30,
  })
  const { db, account, fleet, isEmpty, allWait } = run
  await fleet.accept(...to(10))
  await fleet.run(allWait)
  const before = account.taken()
  account.state.account = respond(500, '{}')
  await db.pool.query({ text: `update connection_usage set reported_at = now() - interval '61 minutes'` })
  await db.pool.query({ text: `update outbox set due_at = now() where state = 'waiting'` })
  await fleet.run(isEmpty)
  expect(account.taken() - before).toBeGreaterThan(0)
  expect(account.taken()).toBeLessThanOrEqual(30)
})

test.concurrent('a raised quota lets go what waits for the old one', async () => {
  await using run = await start(counting(0.01, 4), {
    perSecond: 0.01,
    perDay: 4,
  })
  const { account, fleet, isEmpty, allWait, release, letTimePass } = run
  await fleet.accept(...to(30))
  await fleet.run(allWait)
  expect(account.taken()).toBeLessThanOrEqual(4)
  account.state.account = quota(500, 50_000)
  await letTimePass()
  const raisedAt = performance.now()
  await fleet.run(async () => {
    await release()
    return isEmpty()
  })
  expect(performance.now() - raisedAt).toBeLessThan(10_000)
})

test.concurrent('a lowered quota holds for what had its sending time before', async () => {
  await using run = await start(() => quota(4, 50_000), {
    perSecond: 4,
    perDay: 50_000,
  })
  const { account, fleet, release, letTimePass, hasReported } = run
  await fleet.accept(...to(100))
  await fleet.run(async () => (await fleet.backlog()).filter(({ why }) => why === 'rate').length > 50)
  account.state.account = quota(0.2, 50_000)
  await letTimePass()
  await fleet.run(hasReported({ perSecond: 0.2, perDay: 50_000 }))
  // A message with a sending time in a worker keeps it.
  const over = performance.now() + 2_000
  const stillRuns = (until: number) => async () => {
    await release()
    return performance.now() > until
  }
  await fleet.run(stillRuns(over))
  const before = fleet.sent.length
  await fleet.run(stillRuns(over + 5_000))
  expect(fleet.sent.length - before).toBeLessThanOrEqual(2)
})

test.concurrent('one worker asks in an interval, for all of them', async () => {
  await using run = await start(() => quota(500, 50_000), { perSecond: 500, perDay: 50_000 }, { workers: 4 })
  const { account, fleet, isEmpty, letTimePass } = run
  const before = account.questions()
  for (let round = 0; round < 10; round++) {
    await fleet.accept(...to(8))
    await fleet.run(isEmpty)
    await sleep(300)
  }
  expect(account.questions()).toBe(before)
  await letTimePass()
  await sleep(3_000)
  expect(account.questions()).toBe(before + 1)
  expect(fleet.asked).toEqual(['reported'])
})

const hangs: ReturnType<typeof quota> = () => {}
test.concurrent.each<[string, ReturnType<typeof quota>, string]>([
  ['answers 500', respond(500, '{}'), 'failed'],
  ['refuses the question', respond(403, '{}', { 'x-amzn-errortype': 'AccessDeniedException' }), 'failed'],
  ['hangs up', (response) => void response.socket?.destroy(), 'failed'],
  ['does not answer', hangs, 'failed'],
  ['answers without end', respond(200, `{"x":"${'x'.repeat(3_000_000)}"}`), 'failed'],
  ['answers what is no JSON', respond(200, '<html>'), 'failed'],
  ['tells no quota', respond(200, '{"SendingEnabled":true}'), 'silent'],
  [
    'tells half of a quota',
    respond(200, '{"SendingEnabled":true,"SendQuota":{"Max24HourSend":200}}'),
    'silent',
  ],
  ['tells a rate of nothing', quota(0, 50_000), 'silent'],
  ['tells a rate below nothing', quota(-1, 50_000), 'silent'],
  ['tells nothing a day', quota(14, 0), 'silent'],
  [
    'tells a number that is none',
    respond(200, '{"SendingEnabled":true,"SendQuota":{"MaxSendRate":1e-320,"Max24HourSend":1e999}}'),
    'silent',
  ],
])(
  'a provider that %s leaves its limits as they are, delays no mail, and is asked again',
  async (_, answer, asked) => {
    await using run = await start(
      () => quota(300, 50_000, 5),
      { perSecond: 300, perDay: 50_000 },
      { checkDeadlineMs: 5_000 },
    )
    const { account, fleet, isEmpty, row, letTimePass, hasReported, hasAsked } = run
    const before = account.questions()
    const isSent = Promise.withResolvers<void>()
    account.state.account = async (response, exchange) => {
      await isSent.promise
      return answer(response, exchange)
    }
    await letTimePass()
    await fleet.run(() => account.questions() > before)
    await fleet.accept(...to(20))
    await fleet.run(isEmpty)
    // All of it is sent, and the answer is still to come.
    expect([account.state.underWay, fleet.asked]).toEqual([1, []])
    isSent.resolve()
    await hasAsked(asked)
    expect((await row())?.reported).toEqual({ perSecond: 300, perDay: 50_000 })
    await fleet.accept(...to(4))
    await fleet.run(isEmpty)
    account.state.account = quota(400, 60_000)
    await letTimePass()
    await fleet.run(hasReported({ perSecond: 400, perDay: 60_000 }))
    expect(fleet.errors).toEqual([])
  },
)

test.concurrent('the tenant’s own lower limit wins, and counts only what went through this connection', async () => {
  const limits = { per_second: 100, per_day: 5 }
  await using run = await start(counting(500, 50_000, 40_000), { perSecond: 500, perDay: 50_000 }, { limits })
  const { account, fleet, allWait, row } = run
  await fleet.accept(...to(20))
  await fleet.run(allWait)
  expect(account.taken()).toBe(5)
  expect((await row())?.used).toBe(5)
})

test.concurrent('the provider’s lower limit wins over the tenant’s', async () => {
  const limits = { per_second: 1_000, per_day: 1_000 }
  await using run = await start(counting(500, 7), { perSecond: 500, perDay: 7 }, { limits })
  const { account, fleet, allWait } = run
  await fleet.accept(...to(20))
  await fleet.run(allWait)
  expect(account.taken()).toBe(7)
})

test.concurrent('the provider is asked again at once when what all workers share was emptied', async () => {
  await using run = await start(() => quota(500, 50_000), {
    perSecond: 500,
    perDay: 50_000,
  })
  const { db, account, fleet, hasReported } = run
  account.state.account = quota(400, 40_000)
  await db.pool.query({ text: 'delete from connection_health' })
  await fleet.run(hasReported({ perSecond: 400, perDay: 40_000 }))
  await eventually(async () => (fleet.asked.includes('reported') ? true : undefined))
})

test.concurrent('reported limits outlive emptied tables while the provider does not answer, for new workers too', async () => {
  await using run = await start(
    () => quota(20, 50_000),
    { perSecond: 20, perDay: 50_000 },
    { checkDeadlineMs: 500 },
  )
  const { db, account, fleet, isEmpty, row } = run
  account.state.account = hangs
  await db.pool.query({ text: 'delete from connection_health' })
  // Until all have made it anew, and heard that it knows of no limits.
  await sleep(2_500)
  const before = fleet.sent.length
  await fleet.accept(...to(50))
  await fleet.run(isEmpty)
  expectRate(fleet.sent.slice(before), 20)
  expect((await row())?.reported).toEqual({ perSecond: 20, perDay: 50_000 })
})

test.concurrent('recipients sent while the provider answered count, even if its count lacks them', async () => {
  await using run = await start(counting(500, 30), {
    perSecond: 500,
    perDay: 30,
  })
  const { account, fleet, isEmpty, row, letTimePass, hasAsked } = run
  const questions = account.questions()
  const early = account.taken()
  account.state.account = async (response, exchange) => {
    while (account.taken() < early + 10) await sleep(10)
    quota(500, 30, early)(response, exchange)
  }
  await letTimePass()
  await fleet.run(() => account.questions() > questions)
  await fleet.accept(...to(10))
  await fleet.run(isEmpty)
  await hasAsked('reported')
  expect((await row())?.reported_used).toBe(early + 10)
})

test.concurrent('the providers of one tenant that all hang keep few sockets of a worker', async () => {
  await using run = await begin(hangs, {
    workers: 1,
    connections: 12,
    checkDeadlineMs: 1_000,
  })
  const { account, fleet, isEmpty } = run
  // All of them come into question for it.
  await fleet.accept(...to(1))
  await fleet.run(isEmpty)
  await eventually(async () => (account.questions() === 12 ? true : undefined))
  expect(account.state.underWayMost).toBe(5)
})

test.concurrent('a worker that stops ends its question at once, and asks no more', async () => {
  await using run = await begin(hangs, { workers: 1 })
  const { account, fleet, isEmpty, letTimePass } = run
  await fleet.accept(...to(1))
  await fleet.run(() => account.state.underWay === 1)
  await fleet.accept(...to(20))
  await fleet.run(isEmpty)
  // No message has waited for the answer.
  expect(account.state.underWay).toBe(1)
  const startedAt = performance.now()
  await fleet.workers[0]?.throttle.stop()
  expect(performance.now() - startedAt).toBeLessThan(1_000)
  await eventually(async () => (account.state.underWay === 0 ? true : undefined))
  await letTimePass()
  await sleep(3_000)
  expect(account.questions()).toBe(1)
  expect(fleet.asked).toEqual([])
  expect(fleet.errors).toEqual([])
})
