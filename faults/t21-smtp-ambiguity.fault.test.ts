import { inParallel } from '@lettergate/faults/client'
import { promisedIds } from '@lettergate/faults/client-ledger'
import type { SmtpFault } from '@lettergate/faults/fake-smtp-fault'
import { hurryDuring, hurryRetries } from '@lettergate/faults/hurry-retries'
import { reportResult } from '@lettergate/faults/report'
import { announceSeed, faultsCount } from '@lettergate/faults/seed'
import { judgeStack, settle } from '@lettergate/faults/settle'
import { type Stack, startStack } from '@lettergate/faults/stack'
import { afterAll, beforeAll, expect, test } from 'vitest'

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
const EACH = Math.max(2, Math.ceil(faultsCount(50) / (AMBIGUOUS.length + SAFE.length)))

let stack: Stack
beforeAll(async () => {
  announceSeed('T21 SMTP')
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

async function timesTaken(ids: ReadonlySet<string>): Promise<number[]> {
  const entries = (await stack.smtp?.ledger()) ?? []
  return [...ids].map((id) => entries.filter(({ messageId }) => messageId === id).length)
}

test('T21 SMTP: where the mail cannot have been taken it is tried again, and goes out once', async () => {
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

test('T21 SMTP: where the mail may have been taken it is unknown, and never sent again', async () => {
  const count = EACH * AMBIGUOUS.length
  const before = (await stack.smtp?.faults())?.length ?? 0
  const ids = await sendInto(AMBIGUOUS, 'ambiguous', count)
  // An answer to the final dot is waited for until 50 s after the fence.
  const { verdict } = await hurryDuring(stack.pool, settle(stack, 90_000))
  expect({ ...verdict, unknown: [] }).toEqual({
    ...{ lost: [], repeated: [], unknown: [], overQuota: [], stuck: [] },
  })
  expect(new Set(verdict.unknown.map(({ id }) => id))).toEqual(ids)
  // Each met its fault once: there was no second try.
  expect(((await stack.smtp?.faults())?.length ?? 0) - before).toBe(count)
  const taken = verdict.unknown.filter((one) => one.taken).length
  reportResult({
    test: 'T21 SMTP',
    fault: `SMTP without a clear answer to the final dot, in ${AMBIGUOUS.length} ways`,
    n: count,
    result: `${count} unknown (${taken} taken), 0 lost, 0 repeats, no second try`,
    bound: 'all unknown, 0 repeats',
  })
}, 150_000)

test('T21 SMTP control: sent again as though nothing had been taken, mails go out twice', async () => {
  await stack.smtp?.script({ rules: [] })
  // What a gateway does that takes a lost answer for a lost mail.
  const unknown = (await judgeStack(stack)).unknown.filter(({ taken }) => taken)
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
