import { afterAll, beforeAll, expect, test } from 'vitest'
import { inParallel } from './src/client.ts'
import { expectUnharmed, UNHARMED_BOUND } from './src/expect-unharmed.ts'
import { addSenders, closeSenders, trickle } from './src/fairness.ts'
import type { SmtpFault, SmtpStage } from './src/fake-smtp-fault.ts'
import { smtpConnection } from './src/gateway.ts'
import { hurryDuring, hurryThrottle, hurryThrottleDuring } from './src/hurry-retries.ts'
import { waitUntil } from './src/ports.ts'
import { reportResult } from './src/report.ts'
import { expectGapsToGrow, measureGaps } from './src/retry-gaps.ts'
import { announceSeed, faultsCount, type Random } from './src/seed.ts'
import { sendMany } from './src/send-many.ts'
import { judgeStack, settle } from './src/settle.ts'
import type { SmtpProcess } from './src/smtp-process.ts'
import { addSmtp, type Stack, startStack } from './src/stack.ts'

/** The replies of a failing server at each stage, and whether that is its fault and not a recipient's or a message's. */
const TROUBLE: Record<SmtpStage, { reply: string; opens: boolean }> = {
  greeting: { reply: '421 4.3.2 not now', opens: true },
  ehlo: { reply: '421 4.3.0 not now', opens: true },
  auth: { reply: '454 4.7.0 temporary authentication failure', opens: true },
  mail: { reply: '451 4.3.0 not now', opens: true },
  rcpt: { reply: '451 4.3.0 not now', opens: false },
  data: { reply: '451 4.3.0 not now', opens: false },
  dot: { reply: '452 4.3.1 insufficient system storage', opens: false },
}
const STAGES = Object.keys(TROUBLE) as SmtpStage[]
const N = faultsCount(100)
const CONTROL_N = 20
const OTHERS = 4
/** Mails for the circuit of each stage, one after the other. */
const CIRCUIT_N = 40
/** Five in a row, and those in progress meanwhile. */
const CALLS_MAX = 5 + 5

let stack: Stack
let random: Random
let smtp: SmtpProcess
let well: SmtpProcess

beforeAll(async () => {
  random = announceSeed('T19 SMTP')
  stack = await startStack({ dailyLimit: 1_000_000, providerKind: 'smtp' })
  if (!stack.smtp) throw new Error('there is no SMTP server')
  smtp = stack.smtp
  well = await addSmtp(stack)
}, 60_000)
afterAll(() => stack?.[Symbol.asyncDispose]())

function troubleAt(stage: SmtpStage): SmtpFault {
  return { stage, kind: 'reply', reply: TROUBLE[stage].reply }
}

test('T19 SMTP: while a server fails temporarily at every stage, its mails are retried with growing waits and sent once, and other tenants are not affected', async () => {
  const senders = await addSenders(stack, OTHERS, smtpConnection(well.port))
  const clients = senders.map(({ client }) => client)
  await trickle(clients, { each: 4, withinMs: 500, prefix: 'warm-up', random })
  const idle = await trickle(clients, { each: 40, withinMs: 3_000, prefix: 'idle', random })
  // The same part of them at each stage; what comes to the last one fails there.
  const rules = STAGES.map((stage, at) => ({ every: STAGES.length - at, fault: troubleAt(stage) }))
  await smtp.script({ rules })
  const ids = await sendMany(stack.client, 'user', N)
  const gaps = await hurryThrottleDuring(stack.pool, measureGaps(stack, N))
  const sending = trickle(clients, { each: 40, withinMs: 3_000, prefix: 'busy', random })
  const busy = await hurryDuring(stack.pool, sending)
  const faults = await smtp.faults()
  await smtp.script({ rules: [] })
  const { verdict } = await hurryDuring(stack.pool, settle(stack, 60_000))
  closeSenders(senders)

  expect(verdict).toEqual({ lost: [], repeated: [], unknown: [], overQuota: [], stuck: [] })
  expect(new Set((await smtp.ledger()).map(({ messageId }) => messageId))).toEqual(ids)
  const met = new Set(faults.map(({ fault }) => fault))
  expect(met).toEqual(new Set(STAGES.map((stage) => `reply at ${stage}`)))
  const waits = expectGapsToGrow(gaps)
  const others = await expectUnharmed({ idle, busy }, well)
  reportResult({
    test: 'T19 SMTP',
    fault: `421, 451, 452 and 454 for every attempt at ${STAGES.length} stages of a session, ${faults.length} times`,
    n: N,
    result: `${waits}; each sent once, 0 lost, 0 repeats, 0 unknown; ${others}`,
    bound: `waits grow with ±20 %, 0 lost, 0 repeats, 0 unknown, ${UNHARMED_BOUND}`,
  })
}, 120_000)

async function readCircuit(): Promise<string> {
  const { rows } = await stack.pool.query<{ state: string }>({
    text: "select state from connection_health where state <> 'closed'",
  })
  return rows[0]?.state ?? 'closed'
}

/** Sends one after the other to a server that fails at that stage; returns the number of its calls. */
async function callsInto(stage: SmtpStage): Promise<number> {
  await smtp.script({ anew: true, rules: [{ fault: troubleAt(stage) }] })
  const before = (await smtp.faults()).length
  await inParallel(CIRCUIT_N, 1, (index) =>
    stack.client.sendUntilSettled({ idempotencyKey: `${stage}-${index}`, to: ['user@example.net'] }),
  )
  const text = "select 1 from outbox where state <> 'waiting' limit 1"
  await waitUntil('all to wait', 10_000, async () => (await stack.pool.query({ text })).rowCount === 0)
  return (await smtp.faults()).length - before
}

test('T19 SMTP circuit: the circuit of a failing server opens soon and closes automatically; the circuit of a server that refuses single mails temporarily stays closed', async () => {
  for (const stage of STAGES) {
    const calls = await callsInto(stage)
    if (TROUBLE[stage].opens) expect(calls, stage).toBeLessThanOrEqual(CALLS_MAX)
    else expect(calls, stage).toBe(CIRCUIT_N)
    expect(await readCircuit(), stage).toBe(TROUBLE[stage].opens ? 'open' : 'closed')
    await smtp.script({ rules: [] })
    // Retries of the first server are not made due early: its other mails are sent after a successful probe.
    const { length } = await smtp.ledger()
    const isBack = async () => (await smtp.ledger()).length >= length + CIRCUIT_N - calls
    if (stage === 'greeting') await waitUntil('the server to be used again', 20_000, isBack)
    else await hurryThrottle(stack.pool)
    const { verdict } = await hurryDuring(stack.pool, settle(stack, 20_000))
    expect(verdict).toEqual({ lost: [], repeated: [], unknown: [], overQuota: [], stuck: [] })
  }
  const opening = STAGES.filter((stage) => TROUBLE[stage].opens)
  reportResult({
    test: 'T19 SMTP circuit',
    fault: `a server refuses every mail for the moment, at each of ${STAGES.length} stages`,
    n: STAGES.length * CIRCUIT_N,
    result: `at ${opening.join(', ')} its circuit opened after ${CALLS_MAX} calls at most, later it stayed closed; 0 lost, 0 repeats`,
    bound: `≤ ${CALLS_MAX} of ${CIRCUIT_N} calls, 0 lost, 0 repeats`,
  })
}, 120_000)

test('T19 SMTP control: a server that accepts a mail and denies it is detected', async () => {
  const lie: SmtpFault = { ...troubleAt('dot'), taken: true }
  await smtp.script({ rules: [{ times: CONTROL_N, fault: lie }] })
  const ids = await sendMany(stack.client, 'lied', CONTROL_N)
  await hurryDuring(stack.pool, settle(stack, 30_000))
  const repeated = (await judgeStack(stack)).repeated.filter((text) =>
    ids.has(text.slice(0, text.indexOf(':'))),
  )
  expect(repeated).toHaveLength(CONTROL_N)
  reportResult({
    test: 'T19 SMTP control',
    fault: 'a server takes mails and answers 452 to their final dot',
    n: CONTROL_N,
    result: `${repeated.length} mails sent twice`,
    bound: '> 0 repeats',
  })
}, 60_000)
