import { expect, test } from 'vitest'
import { inParallel } from './src/client.ts'
import { startNaiveStack } from './src/naive-stack.ts'
import { summarize } from './src/oracle.ts'
import { redisInstalled } from './src/redis.ts'
import { reportResult } from './src/report.ts'
import { announceSeed, faultsCount } from './src/seed.ts'
import { settle } from './src/settle.ts'
import { startStack } from './src/stack.ts'

const N = faultsCount(300)

test('T4: a dispatcher killed before, during or after enqueueing loses nothing and repeats nothing', async () => {
  const { seed } = announceSeed('T4')
  const at = (part: string) => [
    `after_commit_before_enqueue:kill9:${part}`,
    `after_enqueue_before_mark:kill9:${part}`,
  ]
  await using stack = await startStack({
    dailyLimit: N,
    providerLatencyMs: 10,
    expireLeases: true,
    workerFailpoints: [...at('1/1'), ...at('1/3')],
    seed,
  })
  await inParallel(N, 16, (index) =>
    stack.client.sendUntilSettled({ idempotencyKey: `t4-${index}`, to: [`user${index}@example.net`] }),
  )
  const { verdict } = await settle(stack, 120_000)
  expect(stack.worker.deaths()).toBeGreaterThanOrEqual(2)
  // At these points only other jobs of the same worker have calls to a provider in progress.
  expect(verdict.unknown.filter(({ id }) => !stack.inFlightAtDeaths.has(id))).toEqual([])
  expect({ ...verdict, unknown: [] }).toEqual({
    lost: [],
    repeated: [],
    unknown: [],
    overQuota: [],
    stuck: [],
  })
  reportResult({
    test: 'T4',
    fault: 'dispatcher killed before and after it hands claims to the queue',
    n: N,
    result: `0 lost, 0 repeats, ${verdict.unknown.length} unknown of ${stack.inFlightAtDeaths.size} in flight at ${stack.worker.deaths()} kills`,
    bound: '0 lost, 0 repeats, unknown only what was in flight at a kill',
  })
}, 240_000)

test.skipIf(!redisInstalled())(
  'T4 control: a gateway that enqueues only after its commit loses accepted messages',
  async () => {
    announceSeed('T4 control')
    await using stack = await startNaiveStack({
      withRedis: true,
      backlog: 'redis',
      dieAt: 'after-commit',
      dieOneIn: 10,
      deathsMax: 3,
    })
    await inParallel(100, 16, (index) =>
      stack.client.sendUntilSettled({ idempotencyKey: `t4-${index}`, to: ['user@example.net'] }),
    )
    expect(stack.gateway.deaths()).toBeGreaterThan(0)
    const { lost } = summarize(await stack.judge())
    expect(lost).toBeGreaterThan(0)
    reportResult({
      test: 'T4 control',
      fault: 'a gateway that tells its queue after the commit, killed between the two',
      n: 100,
      result: `${lost} lost in ${stack.gateway.deaths()} kills`,
      bound: 'lost',
    })
  },
  60_000,
)
