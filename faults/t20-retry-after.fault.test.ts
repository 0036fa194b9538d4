import { setTimeout as sleep } from 'node:timers/promises'
import { toPublicId } from '@lettergate/contracts/lib/ids'
import { expect, test } from 'vitest'
import { inParallel } from './src/client.ts'
import { hurryRetries, hurryThrottleDuring } from './src/hurry-retries.ts'
import { startNaiveStack } from './src/naive-stack.ts'
import { summarize } from './src/oracle.ts'
import { waitUntil } from './src/ports.ts'
import { reportResult } from './src/report.ts'
import { announceSeed, faultsCount } from './src/seed.ts'
import { settle } from './src/settle.ts'
import { type Stack, startStack } from './src/stack.ts'

const EACH = Math.ceil(faultsCount(100) / 5)
/** More refusals than there are different delays. */
const ROUNDS = 9
/** The first wait without any wish of the provider: a minute ± 20 %. */
const USUAL_MS = [48_000, 72_000] as const
const DATE_AHEAD_MS = 600_000
/** Between the answer and the commit of its record. */
const RECORD_MS = 5_000
/** Jitter of a wait that a provider asks for: a quarter of it, up to this. */
const SPREAD_MS = 30_000

type Case = { name: string; retryAfter: string; waitMs: readonly [number, number] }

function buildCases(random: { below(limit: number): number }): Case[] {
  const garbage = ['soon', '1e9', '30 s', 'try 40', '?', '0x1e', '30,60'][random.below(7)] ?? 'soon'
  const date = new Date(Date.now() + DATE_AHEAD_MS)
  const dateMs = Math.floor(date.getTime() / 1000) * 1000 - Date.now()
  return [
    { name: 'seconds', retryAfter: '30', waitMs: [30_000, 37_500 + RECORD_MS] },
    { name: 'garbage', retryAfter: garbage, waitMs: USUAL_MS },
    // A second; it has passed five times before the others are looked at, and then the usual waits begin.
    { name: 'negative', retryAfter: '-1', waitMs: [1_000, USUAL_MS[1]] },
    { name: 'huge', retryAfter: '1000000000', waitMs: [3_600_000, 3_600_000 + SPREAD_MS + RECORD_MS] },
    // Counted from now on: the refusals come a little later, and so the wait is a little shorter.
    {
      name: 'date',
      retryAfter: date.toUTCString(),
      waitMs: [dateMs - 30_000, dateMs + SPREAD_MS + RECORD_MS],
    },
  ]
}

type Waiting = { id: string; name: string; waitMs: number; attempts: number }

const WAITING = `
  select o.message_id, split_part(r.address, '@', 1) as name, o.attempts,
         extract(epoch from o.due_at - a.finished_at)::float8 * 1000 as wait_ms
  from outbox o
  join recipient r on r.message_id = o.message_id
  join attempt a on a.message_id = o.message_id and a.number = o.attempts
  where o.state = 'waiting'`

async function readWaiting(stack: Stack): Promise<Waiting[]> {
  type Row = { message_id: string; name: string; attempts: number; wait_ms: number }
  const { rows } = await stack.pool.query<Row>({ text: WAITING })
  return rows.map((row) => ({
    id: toPublicId('msg', row.message_id),
    name: row.name,
    waitMs: row.wait_ms,
    attempts: row.attempts,
  }))
}

/** Lets so much time pass for the backlog, and waits until nothing of it is due. */
async function passTime(stack: Stack, ms: number): Promise<void> {
  const text = "update outbox set due_at = due_at - $1::int4 * interval '1 ms' where state = 'waiting'"
  await stack.pool.query({ text, values: [ms] })
  // Messages that wait only for their connection are due as well.
  const due =
    "select 1 from outbox where state <> 'waiting' or due_at <= now() or wait_why is not null limit 1"
  const isQuiet = async () => (await stack.pool.query({ text: due })).rowCount === 0
  await waitUntil('nothing to be due', 20_000, isQuiet, 200)
}

/** How often the provider was called for the messages of each case. */
async function callsByCase(stack: Stack, waiting: Waiting[]): Promise<Record<string, number[]>> {
  const asked = Map.groupBy(await stack.provider.faults(), ({ messageId }) => messageId)
  const calls: Record<string, number[]> = {}
  for (const [name, ones] of Map.groupBy(waiting, (one) => one.name)) {
    calls[name] = [...new Set(ones.map(({ id }) => asked.get(id)?.length ?? 0))]
  }
  return calls
}

test('T20: a provider that asks to wait is not called before that time, and no mail is lost by waiting', async () => {
  const random = announceSeed('T20')
  await using stack = await startStack({ dailyLimit: faultsCount(100) + 5 })
  // A busy machine takes long to start the stack, and a date is counted from now.
  const cases = buildCases(random)
  const count = EACH * cases.length
  await stack.provider.script({
    rules: cases.map(({ name, retryAfter }) => ({
      match: `${name}@`,
      fault: { kind: 'status', status: 429, headers: { 'Retry-After': retryAfter } },
    })),
  })
  await inParallel(count, 32, (index) => {
    const name = cases[index % cases.length]?.name
    return stack.client.sendUntilSettled({ idempotencyKey: `t20-${index}`, to: [`${name}@example.net`] })
  })
  const allWait = async () => (await readWaiting(stack)).length === count
  // For each mail alone: the pause of its connection ends immediately.
  await hurryThrottleDuring(stack.pool, waitUntil('all to be refused', 30_000, allWait, 200))
  const waiting = await readWaiting(stack)
  for (const { name, waitMs } of cases) {
    const waits = waiting.filter((one) => one.name === name).map((one) => one.waitMs)
    expect(Math.min(...waits), name).toBeGreaterThanOrEqual(waitMs[0])
    expect(Math.max(...waits), name).toBeLessThanOrEqual(waitMs[1])
  }

  const calls: Record<string, number[]>[] = []
  for (const ms of [15_000, 30_000, 30_000, DATE_AHEAD_MS, 3_600_000]) {
    await hurryThrottleDuring(stack.pool, passTime(stack, ms))
    calls.push(await callsByCase(stack, waiting))
  }
  const [any, once, twice] = [expect.anything(), [1], [2]]
  expect(calls).toEqual([
    { seconds: once, garbage: once, negative: any, date: once, huge: once },
    { seconds: twice, garbage: any, negative: any, date: once, huge: once },
    { seconds: any, garbage: twice, negative: any, date: once, huge: once },
    { seconds: any, garbage: any, negative: any, date: twice, huge: once },
    { seconds: any, garbage: any, negative: any, date: any, huge: twice },
  ])

  for (let round = 2; round < ROUNDS; round++) {
    // One query for both: messages in progress would be missing from one of two queries.
    const allAgain = async () => {
      const refused = (await readWaiting(stack)).filter(({ attempts }) => attempts > round)
      return refused.length === count
    }
    await hurryRetries(stack.pool)
    await hurryThrottleDuring(stack.pool, waitUntil('another refusal of all', 20_000, allAgain, 200))
  }
  await stack.provider.script({ rules: [] })
  await hurryRetries(stack.pool)
  const { verdict } = await hurryThrottleDuring(stack.pool, settle(stack, 30_000))
  expect(verdict).toEqual({ lost: [], repeated: [], unknown: [], overQuota: [], stuck: [] })
  expect(await stack.provider.count()).toBe(count)
  reportResult({
    test: 'T20',
    fault: `429 with Retry-After ${cases.map(({ retryAfter }) => `"${retryAfter}"`).join(', ')}, ${ROUNDS} times for each mail`,
    n: count,
    result: `no call before its time, waits kept to 1 s–1 h; after ${ROUNDS} refusals all sent once, 0 lost`,
    bound: 'no early call, refusals alone never end a mail, 0 lost, 0 repeats',
  })
}, 120_000)

test('T20 control: a gateway that ignores the status loses refused mail', async () => {
  announceSeed('T20 control')
  await using stack = await startNaiveStack({})
  const refusal = { kind: 'status', status: 429, headers: { 'Retry-After': '30' } } as const
  await stack.provider.script({ rules: [{ every: 2, fault: refusal }] })
  await inParallel(40, 8, (index) =>
    stack.client.sendUntilSettled({ idempotencyKey: `t20-${index}`, to: ['user@example.net'] }),
  )
  await waitUntil('refusals', 10_000, async () => (await stack.provider.faults()).length > 5)
  await sleep(500)
  const { lost } = summarize(await stack.judge())
  expect(lost).toBeGreaterThan(0)
  reportResult({
    test: 'T20 control',
    fault: 'a gateway that takes every answer for a yes meets 429 with Retry-After 30',
    n: 40,
    result: `${lost} mails recorded as sent that nobody took`,
    bound: '> 0 lost',
  })
}, 60_000)
