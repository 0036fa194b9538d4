import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { inParallel } from './src/client.ts'
import { startNaive, startNaiveStack } from './src/naive-stack.ts'
import { summarize } from './src/oracle.ts'
import { freePort, waitUntil } from './src/ports.ts'
import { reportResult } from './src/report.ts'
import { announceSeed, faultsCount } from './src/seed.ts'
import { judgeStack, settle } from './src/settle.ts'
import { type Stack, startStack } from './src/stack.ts'
import { expireLeases } from './src/worker-deaths.ts'

const N = faultsCount(150)
const LATENCY_MS = 20
/** Long enough for everything that a woken worker still had in mind. */
const AFTERWARDS_MS = 4_000
const WAKE_EVERY_MS = 10
const CLAIM_EXPIRY = "update outbox set lease_until = now() where state = 'claimed'"

async function isSuspended(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1')
  return stat.slice(stat.lastIndexOf(')') + 2).startsWith('T')
}

/** Its fail point may act again when it continues: it is woken until all its calls are done. */
async function wake(pid: number): Promise<void> {
  for (let waited = 0; waited < AFTERWARDS_MS; waited += WAKE_EVERY_MS) {
    process.kill(pid, 'SIGCONT')
    await sleep(WAKE_EVERY_MS)
  }
}

/** How many messages are in a state that only the suspended worker knows more about. */
async function countHeld(stack: Stack): Promise<{ sending: number; others: number }> {
  const { rows } = await stack.pool.query<{ sending: number; others: number }>({
    text: "select count(*) filter (where state = 'sending')::int4 as sending, count(*) filter (where state <> 'sending')::int4 as others from outbox",
  })
  return rows[0] ?? { sending: 0, others: 0 }
}

test.each([
  ['with claims in hand', 'before_fence'],
  ['between its fence and its call', 'after_fence_before_call'],
])(
  'T18: a worker suspended %s past its lease sends no message that another worker has finished',
  async (moment, failpoint) => {
    const { seed } = announceSeed(`T18 ${failpoint}`)
    await using stack = await startStack({
      dailyLimit: N,
      providerLatencyMs: LATENCY_MS,
      workers: 2,
      workerFailpoints: [`${failpoint}:stop:1/3`],
      seed,
    })
    const { pid } = stack.worker.current()
    await inParallel(N, 32, (index) =>
      stack.client.sendUntilSettled({ idempotencyKey: `t18-${index}`, to: [`user${index}@example.net`] }),
    )
    await waitUntil('the worker to be suspended', 30_000, () => isSuspended(pid))
    // Its claims run out, and the other worker finishes them.
    await stack.pool.query({ text: CLAIM_EXPIRY })
    await waitUntil('the other to finish', 60_000, async () => (await countHeld(stack)).others === 0)
    // Calls of the running worker end normally; those of the suspended one remain.
    await sleep(1_000)
    const { sending } = await countHeld(stack)
    await expireLeases(stack.pool)
    await settle(stack, 30_000)
    const before = await stack.provider.count()
    await wake(pid)
    expect(await isSuspended(pid)).toBe(false)
    const verdict = await judgeStack(stack)
    const late = (await stack.provider.count()) - before
    expect(stack.worker.deaths()).toBe(0)
    expect({ ...verdict, unknown: [] }).toEqual({
      lost: [],
      repeated: [],
      unknown: [],
      overQuota: [],
      stuck: [],
    })
    // It sends late only the messages that it had fenced itself.
    expect(late).toBeLessThanOrEqual(sending)
    expect(verdict.unknown.length).toBeLessThanOrEqual(sending)
    reportResult({
      test: failpoint === 'before_fence' ? 'T18' : 'T18 fenced',
      fault: `worker suspended ${moment} until another had finished`,
      n: N,
      result: `0 lost, 0 repeats; of ${sending} that it had fenced, ${late} went out late and ${verdict.unknown.length} stay unknown`,
      bound: '0 lost, 0 repeats',
    })
  },
  120_000,
)

test('T18 control: a gateway without a fence sends messages that another worker has finished', async () => {
  announceSeed('T18 control')
  await using stack = await startNaiveStack({ providerLatencyMs: 1_000 })
  await inParallel(100, 16, (index) =>
    stack.client.sendUntilSettled({ idempotencyKey: `t18-${index}`, to: ['user@example.net'] }),
  )
  const first = stack.gateway.current()
  const before = await stack.provider.count()
  await waitUntil('calls under way', 10_000, async () => (await stack.provider.count()) > before, 5)
  void first.kill('SIGSTOP')
  const second = await startNaive({ ...stack.options, port: await freePort() }, false)
  await sleep(3_000)
  void first.kill('SIGCONT')
  await sleep(1_000)
  await second.stop()
  const { repeated } = summarize(await stack.judge())
  expect(repeated).toBeGreaterThan(0)
  reportResult({
    test: 'T18 control',
    fault: 'a gateway without a fence, suspended until another had finished',
    n: 100,
    result: `${repeated} repeats`,
    bound: 'repeats',
  })
}, 60_000)
