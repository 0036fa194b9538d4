import { connect } from 'node:net'
import { fromPublicId } from '@lettergate/contracts/lib/ids'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { inParallel } from './src/client.ts'
import { promisedIds } from './src/client-ledger.ts'
import { expectNoCalls } from './src/expect-no-calls.ts'
import { expectUnharmed, UNHARMED_BOUND } from './src/expect-unharmed.ts'
import { addSenders, closeSenders, trickle } from './src/fairness.ts'
import type { SmtpFault } from './src/fake-smtp-fault.ts'
import { smtpConnection } from './src/gateway.ts'
import { hurryDuring, hurryRetries } from './src/hurry-retries.ts'
import { reportResult } from './src/report.ts'
import { announceSeed, faultsCount, type Random } from './src/seed.ts'
import { sendMany } from './src/send-many.ts'
import { judgeStack, settle } from './src/settle.ts'
import { addSmtp, type Stack, startStack } from './src/stack.ts'
import { memoryGrowthMb } from './src/worker-memory.ts'

/** The final dot has left: only the server knows whether it has the mail. */
const AMBIGUOUS: SmtpFault[] = [
  { stage: 'dot', kind: 'reset', taken: true },
  { stage: 'dot', kind: 'reset', taken: false },
  { stage: 'dot', kind: 'close', taken: true },
  { stage: 'dot', kind: 'no-answer', taken: true },
  { stage: 'dot', kind: 'no-answer', taken: false },
  { stage: 'dot', kind: 'drip', everyMs: 2_000 },
]
/** The server cannot have the mail, or says that it has not. */
const SAFE: SmtpFault[] = [
  { stage: 'greeting', kind: 'reply', reply: '421 4.3.2 try later' },
  { stage: 'greeting', kind: 'close' },
  { stage: 'greeting', kind: 'garbage' },
  { stage: 'ehlo', kind: 'reset' },
  { stage: 'mail', kind: 'reply', reply: '451 4.3.0 try later' },
  { stage: 'rcpt', kind: 'reply', reply: '450 4.2.1 try later' },
  { stage: 'rcpt', kind: 'reset' },
  { stage: 'data', kind: 'reply', reply: '451 4.3.0 try later' },
  { stage: 'data', kind: 'reset' },
  { stage: 'dot', kind: 'reply', reply: '452 4.3.1 no room' },
]
/** Answers that never come to an end; the last of them to a mail that is out as a whole. */
const DRIP = { kind: 'drip', everyMs: 300, lines: 100 } as const
const DEADLINE: SmtpFault[] = [
  { stage: 'ehlo', ...DRIP },
  { stage: 'auth', ...DRIP },
  { stage: 'mail', ...DRIP },
]
const ENDLESS = ['x', '\r\n', '250-and more\r\n'].map((piece) => ({ kind: 'endless', piece }) as const)
const BEFORE: SmtpFault[] = [
  { stage: 'greeting', ...DRIP },
  ...DEADLINE,
  ...(['greeting', 'ehlo', 'rcpt'] as const).flatMap((stage) => ENDLESS.map((it) => ({ stage, ...it }))),
]
const AFTER: SmtpFault[] = [
  { stage: 'dot', ...DRIP },
  ...ENDLESS.map((it) => ({ stage: 'dot', ...it }) as const),
]
const SLOW_EACH = 2
const SLOW_N = SLOW_EACH * (BEFORE.length + AFTER.length)
const OTHERS = 3
const CALL_MS_MAX = 30_000
/** From the fence, and from the final dot, to the answer. */
const ANSWER_MS_MAX = 55_000
const RSS_GROWTH_MB_MAX = 200
const IDLE_TIMEOUT_MS = 1_000
const EACH = Math.max(2, Math.ceil(faultsCount(50) / (AMBIGUOUS.length + SAFE.length)))

let stack: Stack
let random: Random
/** The messages that get endless answers while the test of T21 waits for its own. */
let slow: { ids: Set<string>; tenantId: string; faults: number; growthMb: number; others: string }
let control: Promise<'ended' | 'still waiting'>

beforeAll(async () => {
  random = announceSeed('T21 SMTP')
  stack = await startStack({ dailyLimit: 1_000_000, providerKind: 'smtp', proxyProvider: true })
}, 60_000)
afterAll(() => stack?.[Symbol.asyncDispose]())

/** Sends some mails that all meet that fault at their first try; answers their ids. */
async function sendInto(faults: SmtpFault[], prefix: string, count: number): Promise<Set<string>> {
  const rules = faults.map((fault) => ({ fault, times: EACH }))
  await stack.smtp?.script({ rules })
  const ids = new Set<string>()
  await inParallel(count, 16, async (index) => {
    const to = ['user@example.net']
    const request = await stack.client.sendUntilSettled({ idempotencyKey: `${prefix}-${index}`, to })
    for (const id of promisedIds(request)) ids.add(id)
  })
  return ids
}

/** A tenant whose server never ends its answers, beside others whose servers work. `deed`: other work to wait for meanwhile. */
async function meetEndlessAnswers(deed: () => Promise<void>): Promise<typeof slow> {
  const [server, well] = [await addSmtp(stack), await addSmtp(stack)]
  const [ill] = await addSenders(stack, 1, smtpConnection(server.port))
  if (!ill) throw new Error('no tenant was made')
  const senders = await addSenders(stack, OTHERS, smtpConnection(well.port))
  const clients = senders.map(({ client }) => client)
  const idle = await trickle(clients, { each: 40, withinMs: 2_000, prefix: 'idle', random })
  await server.script({ rules: [...BEFORE, ...AFTER].map((fault) => ({ fault, times: SLOW_EACH })) })
  const ids = await sendMany(ill.client, 'slow', SLOW_N)
  const busy = trickle(clients, { each: 40, withinMs: 10_000, prefix: 'busy', random })
  const growthMb = await memoryGrowthMb(stack, Promise.all([deed(), busy]))
  closeSenders([ill, ...senders])
  const others = await expectUnharmed({ idle, busy: await busy }, well)
  const faults = (await server.faults()).length
  return { ids, tenantId: ill.tenant.tenantId, faults, growthMb, others }
}

/** A client with a time limit for silence, but none for the whole: its result with a dripping answer. */
async function askWithIdleTimeout(): Promise<'ended' | 'still waiting'> {
  const server = await addSmtp(stack)
  await server.script({ rules: [{ fault: { stage: 'greeting', ...DRIP } }] })
  const { promise, resolve } = Promise.withResolvers<'ended' | 'still waiting'>()
  const socket = connect(server.port, '127.0.0.1').setTimeout(IDLE_TIMEOUT_MS)
  const ended = () => resolve('ended')
  socket.on('timeout', ended).on('error', ended).on('end', ended).resume()
  const timer = setTimeout(() => resolve('still waiting'), CALL_MS_MAX)
  return await promise.finally(() => {
    clearTimeout(timer)
    socket.destroy()
  })
}

async function timesTaken(ids: ReadonlySet<string>): Promise<number[]> {
  const entries = (await stack.smtp?.ledger()) ?? []
  return [...ids].map((id) => entries.filter(({ messageId }) => messageId === id).length)
}

test('T21 SMTP: a mail that the server cannot have accepted is retried, and sent once', async () => {
  const count = EACH * SAFE.length
  stack.providerProxy?.refuse()
  const refused = await sendInto([], 'refused', EACH)
  await hurryRetries(stack.pool)
  await stack.providerProxy?.accept()
  const ids = await sendInto(SAFE, 'safe', count)
  const { verdict } = await hurryDuring(stack.pool, settle(stack, 60_000))
  expect(verdict).toEqual({ lost: [], repeated: [], unknown: [], overQuota: [], stuck: [] })
  expect(new Set(await timesTaken(new Set([...refused, ...ids])))).toEqual(new Set([1]))
  expect((await stack.smtp?.faults())?.length).toBe(count)
  reportResult({
    test: 'T21 SMTP safe',
    fault: `SMTP refused, reset, closed or answered 4xx at ${SAFE.length} places before the mail was taken`,
    n: count + EACH,
    result: '0 lost, 0 repeats, 0 unknown, each taken once',
    bound: '0 lost, 0 repeats, 0 unknown',
  })
}, 120_000)

test('T21 SMTP: a mail that the server may have accepted is unknown, and never sent again', async () => {
  const count = EACH * AMBIGUOUS.length
  const before = (await stack.smtp?.faults())?.length ?? 0
  control = askWithIdleTimeout()
  let ids = new Set<string>()
  // An answer to the final dot is waited for until 50 s after the fence.
  slow = await meetEndlessAnswers(async () => {
    ids = await sendInto(AMBIGUOUS, 'ambiguous', count)
    await hurryDuring(stack.pool, settle(stack, 90_000))
  })
  const verdict = await judgeStack(stack)
  const unknown = verdict.unknown.filter(({ id }) => !slow.ids.has(id))
  expect({ ...verdict, unknown: [] }).toEqual({
    lost: [],
    repeated: [],
    unknown: [],
    overQuota: [],
    stuck: [],
  })
  expect(new Set(unknown.map(({ id }) => id))).toEqual(ids)
  // Each met its fault once: there was no second attempt.
  expect(((await stack.smtp?.faults())?.length ?? 0) - before).toBe(count)
  const taken = unknown.filter((one) => one.taken).length
  reportResult({
    test: 'T21 SMTP',
    fault: `SMTP without a clear answer to the final dot, in ${AMBIGUOUS.length} ways`,
    n: count,
    result: `${count} unknown (${taken} taken), 0 lost, 0 repeats, no second attempt`,
    bound: 'all unknown, 0 repeats',
  })
}, 150_000)

type Attempt = { outcome: string; ms: number }

async function readAttempts(tenantId: string): Promise<Attempt[]> {
  const { rows } = await stack.pool.query<Attempt>({
    text: `select outcome, extract(epoch from finished_at - started_at)::float8 * 1000 as ms from attempt
           where tenant_id = $1`,
    values: [fromPublicId('ten', tenantId)],
  })
  return rows
}

test('T22 SMTP: no answer makes a call longer than its deadline, fills the worker’s memory or affects other tenants; mail that failed before the final dot is sent later', async () => {
  const unknown = (await judgeStack(stack)).unknown.filter(({ id }) => slow.ids.has(id))
  expect(slow.faults).toBe(SLOW_N)
  expect(unknown).toHaveLength(SLOW_EACH * AFTER.length)
  const attempts = Map.groupBy(await readAttempts(slow.tenantId), ({ outcome }) => outcome)
  expect([...attempts.keys()].sort()).toEqual(['accepted', 'deferred', 'unknown'])
  const [before = [], after = []] = ['deferred', 'unknown'].map((kind) => {
    return (attempts.get(kind) ?? []).map(({ ms }) => ms)
  })
  expect([before.length, after.length]).toEqual([SLOW_EACH * BEFORE.length, SLOW_EACH * AFTER.length])
  // They ended by the deadline.
  expect(before.filter((ms) => ms > 20_000)).toHaveLength(SLOW_EACH * DEADLINE.length)
  expect(after.filter((ms) => ms > 40_000).length).toBeGreaterThanOrEqual(SLOW_EACH)
  const [longest, longestAfter] = [Math.max(...before), Math.max(...after)]
  expect(longest).toBeLessThanOrEqual(CALL_MS_MAX)
  expect(longestAfter).toBeLessThanOrEqual(ANSWER_MS_MAX)
  await expectNoCalls(stack)
  expect(slow.growthMb).toBeLessThanOrEqual(RSS_GROWTH_MB_MAX)
  reportResult({
    test: 'T22 SMTP',
    fault:
      'SMTP answers of one byte each 300 ms; lines, empty lines and one line without end; at 6 stages of a session',
    n: SLOW_N,
    result: `the longest call took ${(longest / 1000).toFixed(1)} s before the final dot and ${(longestAfter / 1000).toFixed(1)} s after it; ${before.length} before it sent once, later, ${after.length} after it unknown; all slots free again; memory of the worker grew by ${slow.growthMb} MB; ${slow.others}`,
    bound: `≤ ${CALL_MS_MAX / 1000} s, ≤ ${ANSWER_MS_MAX / 1000} s after the final dot, no slot kept, ≤ ${RSS_GROWTH_MB_MAX} MB, ${UNHARMED_BOUND}`,
  })
})

test('T22 SMTP control: a client that only limits silence waits forever for a dripping greeting', async () => {
  expect(await control).toBe('still waiting')
  reportResult({
    test: 'T22 SMTP control',
    fault: `a client that gives up after ${IDLE_TIMEOUT_MS} ms of silence meets a greeting of one byte each 300 ms`,
    n: 1,
    result: `still waiting after ${CALL_MS_MAX / 1000} s`,
    bound: `still waiting after ${CALL_MS_MAX / 1000} s`,
  })
}, 60_000)

test('T21 SMTP control: a gateway that retries mail which may have been accepted sends twice', async () => {
  await stack.smtp?.script({ rules: [] })
  // The behaviour of a gateway that treats a lost answer as a lost mail.
  const { unknown: all } = await judgeStack(stack)
  const unknown = all.filter(({ id, taken }) => taken && !slow.ids.has(id))
  await inParallel(unknown.length, 8, async (index) => {
    const url = `${stack.apiUrl}/v1/messages/${unknown[index]?.id}/retry`
    const headers = { authorization: `Bearer ${stack.tenant.apiKey}`, 'content-type': 'application/json' }
    await fetch(url, { method: 'POST', headers, body: '{}' })
  })
  const { verdict } = await hurryDuring(stack.pool, settle(stack, 30_000))
  expect(verdict.repeated.length).toBeGreaterThan(0)
  reportResult({
    test: 'T21 SMTP control',
    fault: 'a gateway that takes a lost answer for a lost mail (somebody retries what is unknown)',
    n: unknown.length,
    result: `${verdict.repeated.length} repeats`,
    bound: 'repeats',
  })
}, 60_000)
