import { fromPublicId } from '@lettergate/contracts/lib/ids'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Client, createClient } from './src/client.ts'
import { expectUnharmed, UNHARMED_BOUND } from './src/expect-unharmed.ts'
import { addSenders, closeSenders, trickle } from './src/fairness.ts'
import { createConnection, createTenant, resendConnection, sesConnection } from './src/gateway.ts'
import { hurryDuring, hurryThrottleDuring } from './src/hurry-retries.ts'
import { reportResult } from './src/report.ts'
import { expectGapsToGrow, measureGaps } from './src/retry-gaps.ts'
import { announceSeed, faultsCount, type Random } from './src/seed.ts'
import { sendMany } from './src/send-many.ts'
import { settle } from './src/settle.ts'
import { type Stack, startStack } from './src/stack.ts'

/* Only the waits of each mail protect a failing provider here: circuits are closed again immediately. T39 is about those. */
const EACH = Math.ceil(faultsCount(300) / 3)
const CONTROL_N = 20
const OTHERS = 4

let stack: Stack
let random: Random
let resendClient: Client

beforeAll(async () => {
  random = announceSeed('T19')
  stack = await startStack({ dailyLimit: 1_000_000 })
  const { apiKey } = await createTenant(stack.env, 1_000_000)
  await createConnection(stack.apiUrl, apiKey, resendConnection(stack.provider.url))
  resendClient = createClient({ url: stack.apiUrl, apiKey, ledger: stack.ledger, connections: 16 })
}, 60_000)
afterAll(async () => {
  resendClient?.close()
  await stack?.[Symbol.asyncDispose]()
})

test('T19: while a provider fails, its mails are retried with growing waits, accepted mail is not sent twice, and other tenants are not affected', async () => {
  const senders = await addSenders(stack, OTHERS, sesConnection(stack.provider.url))
  const clients = senders.map(({ client }) => client)
  await trickle(clients, { each: 4, withinMs: 500, prefix: 'warm-up', random })
  const idle = await trickle(clients, { each: 40, withinMs: 3_000, prefix: 'idle', random })
  await stack.provider.script({
    rules: [
      { match: 'away@', fault: { kind: 'status', status: 503 } },
      { match: 'torn@', every: 2, fault: { kind: 'status', status: 500, taken: true } },
      { match: 'torn@', fault: { kind: 'status', status: 502, taken: true } },
      { match: 'again@', every: 2, fault: { kind: 'status', status: 502, taken: true } },
      { match: 'again@', fault: { kind: 'status', status: 500 } },
    ],
  })
  const [, torn] = await Promise.all([
    sendMany(stack.client, 'away', EACH),
    sendMany(stack.client, 'torn', EACH),
    sendMany(resendClient, 'again', EACH),
  ])
  const gaps = await hurryThrottleDuring(stack.pool, measureGaps(stack, 2 * EACH))
  const sending = trickle(clients, { each: 40, withinMs: 3_000, prefix: 'busy', random })
  const busy = await hurryDuring(stack.pool, sending)
  await stack.provider.script({ rules: [] })
  const { verdict } = await hurryDuring(stack.pool, settle(stack, 60_000))
  closeSenders(senders)

  expect({ ...verdict, unknown: [] }).toEqual({
    lost: [],
    repeated: [],
    unknown: [],
    overQuota: [],
    stuck: [],
  })
  // SES knows no keys: what it may have taken is held, and was not tried again.
  expect(new Set(verdict.unknown.filter(({ taken }) => taken).map(({ id }) => id))).toEqual(torn)
  expect(verdict.unknown).toHaveLength(EACH)
  const calls = (await stack.provider.faults()).filter(({ messageId }) => torn.has(messageId ?? ''))
  expect(calls).toHaveLength(EACH)
  const replays = (await stack.provider.replays()).length
  expect(replays).toBeGreaterThan(0)
  const waits = expectGapsToGrow(gaps)
  const others = await expectUnharmed({ idle, busy }, stack.provider)
  reportResult({
    test: 'T19',
    fault: '500, 502 and 503 for every attempt of two tenants, with and without taking the mail',
    n: 3 * EACH,
    result: `${waits}; 0 lost, 0 repeats, ${verdict.unknown.length} taken with a 5xx by SES are unknown and were not tried again, ${replays} repeats recognised by Resend; ${others}`,
    bound: `waits grow with ±20 %, 0 lost, 0 repeats, ${UNHARMED_BOUND}`,
  })
}, 120_000)

test('T19 control: a tenant that chooses to retry after a 5xx sends accepted mail twice', async () => {
  const values = [fromPublicId('ten', stack.tenant.tenantId)]
  await stack.pool.query({ text: "update tenant set on_unknown = 'resend' where id = $1", values })
  const taken = { kind: 'status', status: 500, taken: true } as const
  await stack.provider.script({ rules: [{ match: 'chosen@', times: CONTROL_N, fault: taken }] })
  const ids = await sendMany(stack.client, 'chosen', CONTROL_N)
  const { verdict } = await hurryDuring(stack.pool, settle(stack, 30_000))
  const repeated = verdict.repeated.filter((text) => ids.has(text.slice(0, text.indexOf(':'))))
  expect(repeated.length).toBeGreaterThan(0)
  reportResult({
    test: 'T19 control',
    fault: '500 for mails that were taken, of a tenant that chose to send again',
    n: CONTROL_N,
    result: `${repeated.length} mails sent twice`,
    bound: '> 0 repeats',
  })
}, 60_000)
