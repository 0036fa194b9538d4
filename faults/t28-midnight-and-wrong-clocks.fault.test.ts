import { setTimeout as sleep } from 'node:timers/promises'
import { fromPublicId, uuidTime } from '@lettergate/contracts/lib/ids'
import { expect, test } from 'vitest'
import { createClient, inParallel } from './src/client.ts'
import { promisedIds } from './src/client-ledger.ts'
import {
  clockAhead,
  createSteppedClock,
  noFaketime,
  type SteppedClock,
  secondsUntilMidnight,
} from './src/faketime.ts'
import { startPart } from './src/gateway.ts'
import { startNaiveStack } from './src/naive-stack.ts'
import { summarize } from './src/oracle.ts'
import { freePort } from './src/ports.ts'
import { reportResult } from './src/report.ts'
import { announceSeed, faultsCount, type Random } from './src/seed.ts'
import { settle } from './src/settle.ts'
import { type Stack, startStack } from './src/stack.ts'

/** Recipients a day: used up before midnight and again after it. */
const LIMIT = faultsCount(300)
const SECONDS_BEFORE = 4
/** Processes look at a stepped clock once a second. */
const NOTICE_MS = 1_500
const WRONG_S = 2 * 86_400
const SCHEDULE_MS = 10_000
const LATE_MS_MAX = 15_000
/** Five processes start, each within a minute, and the mail may take another one: what is late says so itself. */
const PROCESSES_MS = 360_000

if (noFaketime) process.stdout.write(`T28: skipped, ${noFaketime}\n`)

/** Milliseconds by which the clock of Postgres is ahead of this process's. */
async function databaseAheadMs(stack: Stack): Promise<number> {
  const start = Date.now()
  const { rows } = await stack.pool.query<{ now: Date }>({ text: 'select clock_timestamp() as now' })
  return (rows[0]?.now.getTime() ?? 0) - (start + Date.now()) / 2
}

/** Sends requests without a pause from some seconds before midnight to some after it; each request has one to three recipients. */
async function askOverMidnight(stack: Stack, clock: SteppedClock, random: Random): Promise<void> {
  await clock.step(secondsUntilMidnight() - SECONDS_BEFORE - NOTICE_MS / 1_000)
  await sleep(NOTICE_MS)
  const end = performance.now() + 2 * SECONDS_BEFORE * 1_000
  let next = 0
  await inParallel(8, 8, async () => {
    while (performance.now() < end) {
      const to = Array.from({ length: 1 + random.below(3) }, (_, index) => `user${index}@example.net`)
      await stack.client.sendUntilSettled({ idempotencyKey: `t28-${next++}`, to })
      await sleep(20)
    }
  })
}

type DayRow = { day: string; accepted: number; stored: number; elsewhere: number }

/** For each day: the counted and the stored recipients, and those that were accepted on another day of the database. */
async function readDays(stack: Stack): Promise<DayRow[]> {
  const { rows } = await stack.pool.query<DayRow>({
    text: `select u.day::text, u.accepted, count(r.*)::int4 as stored,
                  (count(r.*) filter (where (m.created_at at time zone 'utc')::date <> u.day))::int4 as elsewhere
           from usage u join message m on m.tenant_id = u.tenant_id and m.usage_day = u.day and m.mode = u.mode
           join recipient r on r.tenant_id = m.tenant_id and r.message_id = m.id
           group by u.day, u.accepted order by u.day`,
  })
  return rows
}

test.skipIf(noFaketime !== null)(
  'T28: each recipient counts on exactly one day, the day of the database, and no day counts more than its limit',
  async () => {
    const random = announceSeed('T28')
    await using clock = await createSteppedClock(0)
    await using stack = await startStack({ dailyLimit: LIMIT, postgres: { env: clock.env } })
    await askOverMidnight(stack, clock, random)
    const { verdict } = await settle(stack, 60_000)
    const days = await readDays(stack)
    const accepted = stack.ledger.requests().filter((request) => promisedIds(request).size === 1)
    const recipients = accepted.reduce((sum, request) => sum + request.recipients, 0)
    expect(verdict).toEqual({ lost: [], repeated: [], unknown: [], overQuota: [], stuck: [] })
    expect(days).toHaveLength(2)
    for (const day of days) {
      // The smallest request has one recipient, so nothing less than all of the limit was to be had.
      expect(day).toEqual({ day: day.day, accepted: LIMIT, stored: LIMIT, elsewhere: 0 })
    }
    expect(recipients).toBe(2 * LIMIT)
    reportResult({
      test: 'T28',
      fault: `requests without a pause over the database's midnight, limit ${LIMIT} recipients a day`,
      n: stack.ledger.requests().length,
      result: `${days.map(({ day, accepted: counted, stored }) => `${day}: ${counted} counted = ${stored} stored`).join(', ')}`,
      bound: 'each recipient on one day, Σ ≤ limit, all of the limit used',
    })
  },
  120_000,
)

test.skipIf(noFaketime !== null)(
  'T28 control: a gateway that takes the day from its own clock exceeds the limit',
  async () => {
    announceSeed('T28 control')
    await using clock = await createSteppedClock(0)
    await using stack = await startNaiveStack({ limit: 50, dayOfOwnClock: true, env: clock.env })
    const ask = (name: string) =>
      inParallel(60, 1, (index) =>
        stack.client.send({ idempotencyKey: `t28-${name}-${index}`, to: ['user@example.net'] }),
      )
    await ask('today')
    await clock.step(86_400)
    await sleep(NOTICE_MS)
    await ask('tomorrow')
    const { overQuota } = summarize(await stack.judge())
    expect(overQuota).toBeGreaterThan(0)
    reportResult({
      test: 'T28 control',
      fault: "a node's clock steps into the next day, the database's does not",
      n: stack.ledger.requests().length,
      result: 'over the limit of the day',
      bound: 'must exceed',
    })
  },
  60_000,
)

type WrongNode = AsyncDisposable & { url: string; aheadSeconds: number }

/** An api whose clock is wrong. */
async function startWrongNode(stack: Stack, aheadSeconds: number): Promise<WrongNode> {
  const port = await freePort()
  const api = await startPart('api', { ...stack.env, ...clockAhead(aheadSeconds), API_PORT: String(port) })
  const url = `http://127.0.0.1:${port}`
  // Otherwise nothing would be shown: the node does live in another day.
  const { headers } = await fetch(`${url}/readyz`)
  const ahead = (Date.parse(headers.get('date') ?? '') - Date.now()) / 1000
  expect(Math.abs(ahead - aheadSeconds)).toBeLessThan(10)
  return { url, aheadSeconds, [Symbol.asyncDispose]: async () => void (await api.stop()) }
}

/** It takes mail for now, and for later. */
async function sendThrough(
  stack: Stack,
  { url, aheadSeconds }: WrongNode,
  sendAt: Date,
): Promise<{ ids: string[]; scheduled: string[] }> {
  const client = createClient({ url, apiKey: stack.tenant.apiKey, ledger: stack.ledger, connections: 8 })
  try {
    const ask = (name: string, at?: Date) =>
      client.sendUntilSettled({
        idempotencyKey: `t28-${aheadSeconds}-${name}`,
        to: ['user@example.net'],
        ...(at ? { sendAt: at } : {}),
      })
    const requests = await Promise.all(Array.from({ length: 20 }, (_, index) => ask(`now-${index}`)))
    const later = await Promise.all(Array.from({ length: 20 }, (_, index) => ask(`later-${index}`, sendAt)))
    const idsOf = (some: typeof requests) => some.flatMap((request) => [...promisedIds(request)])
    return { ids: idsOf(requests), scheduled: idsOf(later) }
  } finally {
    client.close()
  }
}

test.skipIf(noFaketime !== null)(
  'T28: an api whose clock is two days wrong counts, dates and schedules like any other',
  async () => {
    announceSeed('T28 clocks')
    await using stack = await startStack({ dailyLimit: LIMIT })
    await using behind = await startWrongNode(stack, -WRONG_S)
    await using ahead = await startWrongNode(stack, WRONG_S)
    // Once the nodes are ready: on a busy machine they take longer than the scheduled mail is to wait.
    const startedAt = Date.now() + (await databaseAheadMs(stack))
    const dueAt = startedAt + SCHEDULE_MS
    const nodes = await Promise.all([behind, ahead].map((node) => sendThrough(stack, node, new Date(dueAt))))
    const ids = nodes.flatMap((node) => [...node.ids, ...node.scheduled])
    expect(ids).toHaveLength(80)
    // Dated by the database: it lies in the partition of its day and is listed where it belongs.
    const off = ids.map((id) => Math.abs(uuidTime(fromPublicId('msg', id) ?? '').getTime() - startedAt))
    expect(Math.max(...off)).toBeLessThan(60_000)
    const found = await Promise.all(
      ids.map((id) =>
        fetch(`${stack.apiUrl}/v1/messages/${id}`, {
          headers: { authorization: `Bearer ${stack.tenant.apiKey}` },
        }),
      ),
    )
    expect(found.filter(({ status }) => status !== 200)).toEqual([])
    await sleep(Math.max(0, dueAt - Date.now()))
    const { verdict } = await settle(stack, 60_000)
    expect(verdict).toEqual({ lost: [], repeated: [], unknown: [], overQuota: [], stuck: [] })
    const scheduled = new Set(nodes.flatMap((node) => node.scheduled))
    const late = (await stack.provider.ledger())
      .filter(({ messageId }) => scheduled.has(messageId ?? ''))
      .map(({ at }) => at - dueAt)
    expect(Math.min(...late)).toBeGreaterThanOrEqual(0)
    expect(Math.max(...late)).toBeLessThanOrEqual(LATE_MS_MAX)
    reportResult({
      test: 'T28 clocks',
      fault: 'two api nodes with clocks two days behind and two days ahead',
      n: ids.length,
      result: `ids within ${Math.max(...off)} ms of the database's time, all found; scheduled ones 0 to ${Math.max(...late)} ms late, none early`,
      bound: `nothing differs; scheduled +≤ ${LATE_MS_MAX} ms`,
    })
  },
  PROCESSES_MS,
)
