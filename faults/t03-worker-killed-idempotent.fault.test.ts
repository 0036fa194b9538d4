import { afterAll, beforeAll, expect, test } from 'vitest'
import { inParallel } from './src/client.ts'
import { hurryDuring } from './src/hurry-retries.ts'
import { waitUntil } from './src/ports.ts'
import { reportResult } from './src/report.ts'
import { announceSeed, faultsCount } from './src/seed.ts'
import { settle } from './src/settle.ts'
import { type Stack, startStack } from './src/stack.ts'

const N = faultsCount(300)
const KILLS = Math.min(10, Math.ceil(N / 150))
const CONTROL_N = 50
const LATENCY_MS = 10
/** Long enough that the worker is killed while its calls wait for their answer. */
const CONTROL_LATENCY_MS = 1_000

/** Both tests share it, since each of them waits long enough for a sweeper: the second finds a worker that is killed by nothing but the test. */
let stack: Stack

beforeAll(async () => {
  const random = announceSeed('T3')
  const at = (oneIn: number) => `after_provider_ack_before_db:kill9:1/${oneIn}`
  stack = await startStack({
    dailyLimit: N + CONTROL_N,
    providerKind: 'resend',
    providerLatencyMs: LATENCY_MS,
    expireLeases: true,
    seed: random.seed,
    // The first death comes with the first attempt, independent of chance for the others.
    workerFailpoints: [at(1), ...Array.from({ length: KILLS - 1 }, () => at(20 + random.below(40)))],
  })
}, 60_000)
afterAll(() => stack?.[Symbol.asyncDispose]())

function send(prefix: string, count: number): Promise<void> {
  return inParallel(count, 32, (index) =>
    stack.client.sendUntilSettled({ idempotencyKey: `${prefix}-${index}`, to: [`user${index}@example.net`] }),
  )
}

/** A repeat with other content would be refused under its key. */
async function expectSameBytes(replays: { messageId: string | undefined; bodyHash: string }[]) {
  const first = new Map((await stack.provider.ledger()).map((entry) => [entry.messageId, entry.bodyHash]))
  for (const { messageId, bodyHash } of replays) expect(bodyHash).toBe(first.get(messageId))
}

test('T3: a worker killed between the provider’s acceptance and its own record: if the provider recognises the key, every mail is sent once and none stays unknown', async () => {
  const sending = send('t3', N).then(() => settle(stack, 60_000))
  const { verdict, waitedMs } = await hurryDuring(stack.pool, sending)
  const replays = await stack.provider.replays()
  expect(verdict).toEqual({ lost: [], repeated: [], unknown: [], overQuota: [], stuck: [] })
  expect(await stack.provider.count()).toBe(N)
  expect(stack.worker.deaths()).toBeGreaterThan(0)
  // Without them nothing was repeated, and the test would hold for any provider.
  expect(replays.length).toBeGreaterThan(0)
  await expectSameBytes(replays)
  reportResult({
    test: 'T3',
    fault: `worker killed ${stack.worker.deaths()} times after the provider’s yes, before its record; the provider knows idempotency keys`,
    n: N,
    result: `${N} sent once, 0 unknown, 0 lost, ${replays.length} repeats recognised; settled ${waitedMs} ms after the last request`,
    bound: 'all sent once, 0 unknown, 0 lost',
  })
}, 120_000)

test('T3 control: a provider that forgets its keys sends repeated mail twice', async () => {
  await stack.provider.script({ forgetsKeys: true, latencyMs: CONTROL_LATENCY_MS, rules: [] })
  const before = await stack.provider.count()
  const sending = send('control', CONTROL_N)
  await waitUntil('calls under way', 20_000, async () => (await stack.provider.count()) > before)
  await stack.worker.current().kill('SIGKILL')
  const { verdict } = await hurryDuring(
    stack.pool,
    sending.then(() => settle(stack, 60_000)),
  )
  expect(verdict.repeated.length).toBeGreaterThan(0)
  reportResult({
    test: 'T3 control',
    fault: 'worker killed after the provider’s yes; the provider promises to know keys and forgets them',
    n: CONTROL_N,
    result: `${verdict.repeated.length} mails sent twice`,
    bound: '> 0 repeats',
  })
}, 120_000)
