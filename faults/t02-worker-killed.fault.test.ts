import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { inParallel } from './src/client.ts'
import { expectHeld } from './src/expect-held.ts'
import { startNaiveStack } from './src/naive-stack.ts'
import { summarize } from './src/oracle.ts'
import { reportResult } from './src/report.ts'
import { announceSeed, faultsCount } from './src/seed.ts'
import { settle } from './src/settle.ts'
import { startStack } from './src/stack.ts'

const N = faultsCount(400)
const KILLS = Math.min(10, Math.ceil(N / 130))
const LATENCY_MS = 10
const FAILPOINT = 'after_provider_ack_before_db:kill9:1/40'

test('T2: a worker killed between the provider’s acceptance and its own record sends nothing twice and loses nothing', async () => {
  const { seed } = announceSeed('T2')
  await using stack = await startStack({
    dailyLimit: N,
    providerLatencyMs: LATENCY_MS,
    expireLeases: true,
    workerFailpoints: Array(KILLS).fill(FAILPOINT),
    seed,
  })
  await inParallel(N, 32, (index) =>
    stack.client.sendUntilSettled({ idempotencyKey: `t2-${index}`, to: [`user${index}@example.net`] }),
  )
  const { verdict } = await settle(stack, 120_000)
  expect(stack.worker.deaths()).toBeGreaterThan(0)
  const result = await expectHeld(stack, verdict, N)
  reportResult({
    test: 'T2',
    fault: 'worker killed between the provider’s yes and its own record',
    n: N,
    result: `${result} at ${stack.worker.deaths()} kills`,
    bound: '0 lost, 0 repeats, unknown only what was in flight at a kill, each with a reason',
  })
}, 240_000)

test('T2 control: a gateway that sends first and records afterwards sends twice', async () => {
  announceSeed('T2 control')
  await using stack = await startNaiveStack({
    providerLatencyMs: LATENCY_MS,
    dieAt: 'after-ack',
    dieOneIn: 10,
    deathsMax: 3,
  })
  await inParallel(200, 16, (index) =>
    stack.client.sendUntilSettled({ idempotencyKey: `t2-${index}`, to: ['user@example.net'] }),
  )
  await sleep(2_000)
  expect(stack.gateway.deaths()).toBeGreaterThan(0)
  const { repeated } = summarize(await stack.judge())
  expect(repeated).toBeGreaterThan(0)
  reportResult({
    test: 'T2 control',
    fault: 'a gateway that records after sending, killed between the two',
    n: 200,
    result: `${repeated} repeats in ${stack.gateway.deaths()} kills`,
    bound: 'repeats',
  })
}, 60_000)
