import { expect, test } from 'vitest'
import { inParallel } from './src/client.ts'
import { expectHeld } from './src/expect-held.ts'
import { waitUntil } from './src/ports.ts'
import { reportResult } from './src/report.ts'
import { announceSeed } from './src/seed.ts'
import { settle } from './src/settle.ts'
import { startStack } from './src/stack.ts'

const LATENCY_MS = 10
/** The promise of the fault page: the lease of an attempt and two sweeps, measured from the restart on. */
const UNAIDED_N = 60
const UNAIDED_MS_MAX = 75_000

test('T2 unaided: messages that a killed worker had claimed reach an end within 75 s without help', async () => {
  const { seed } = announceSeed('T2 unaided')
  await using stack = await startStack({
    dailyLimit: UNAIDED_N,
    providerLatencyMs: LATENCY_MS,
    workerFailpoints: ['after_provider_ack_before_db:kill9:1/10'],
    seed,
  })
  await inParallel(UNAIDED_N, 32, (index) =>
    stack.client.sendUntilSettled({ idempotencyKey: `t2-${index}`, to: [`user${index}@example.net`] }),
  )
  await waitUntil('the kill', 30_000, () => stack.worker.deaths() === 1)
  const { verdict, waitedMs } = await settle(stack, UNAIDED_MS_MAX)
  expect(stack.inFlightAtDeaths.size).toBeGreaterThan(0)
  expect(verdict.unknown.length).toBeGreaterThan(0)
  const result = await expectHeld(stack, verdict, UNAIDED_N)
  reportResult({
    test: 'T2 unaided',
    fault: 'worker killed as above, and nobody touches its leases',
    n: UNAIDED_N,
    result: `${result}; settled after ${Math.round(waitedMs / 1000)} s`,
    bound: `settled within ${UNAIDED_MS_MAX / 1000} s`,
  })
}, 240_000)
