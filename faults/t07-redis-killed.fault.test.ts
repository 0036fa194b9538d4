import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { inParallel } from './src/client.ts'
import { startNaiveStack } from './src/naive-stack.ts'
import { summarize } from './src/oracle.ts'
import { loadDuring, statusesOf } from './src/paced-load.ts'
import { waitUntil } from './src/ports.ts'
import { type RedisServer, redisInstalled } from './src/redis.ts'
import { holdJobs, jobsHeld, releaseJobs } from './src/redis-queue.ts'
import { reportResult } from './src/report.ts'
import { announceSeed, faultsCount, type Random } from './src/seed.ts'
import { settle } from './src/settle.ts'
import { startStack } from './src/stack.ts'

const KILLS = Math.max(5, Math.ceil(faultsCount(0) / 100))
const PER_SECOND = 100

/** Kills at any moment; before the last kill, jobs pile up that exist only in Redis. Returns their number. */
async function killRepeatedly(redis: RedisServer, random: Random): Promise<number> {
  let held = 0
  for (let kill = 0; kill < KILLS; kill++) {
    await sleep(200 + random.below(600))
    if (kill === KILLS - 1) {
      await holdJobs(redis)
      // The worker may still be finding out that Redis is back.
      await waitUntil('jobs in Redis', 10_000, async () => (await jobsHeld(redis)) > 0)
      await sleep(300)
      held = await jobsHeld(redis)
    }
    await redis.kill()
    await sleep(random.below(200))
    await redis.start()
  }
  return held
}

test.skipIf(!redisInstalled())(
  'T7: every accepted message is sent exactly once although Redis is killed repeatedly, with and without AOF',
  async () => {
    const random = announceSeed('T7')
    await using stack = await startStack({
      dailyLimit: 1_000_000,
      providerLatencyMs: 100,
      redis: { aof: true },
    })
    const redis = stack.redis
    if (!redis) throw new Error('T7 needs a Redis')
    const held = { withAof: 0, without: 0 }
    const answers = await loadDuring(stack.client, { perSecond: PER_SECOND, prefix: 't7' }, async () => {
      held.withAof = await killRepeatedly(redis, random)
      await releaseJobs(redis)
      await redis.kill()
      await redis.start({ aof: false })
      held.without = await killRepeatedly(redis, random)
    })
    const { verdict, waitedMs } = await settle(stack, 60_000)
    expect(statusesOf(answers)).toEqual({ 202: answers.length })
    expect(verdict).toEqual({ lost: [], repeated: [], unknown: [], overQuota: [], stuck: [] })
    expect(held.withAof).toBeGreaterThan(0)
    expect(held.without).toBeGreaterThan(0)
    reportResult({
      test: 'T7',
      fault: `Redis killed and started ${KILLS} times with AOF and ${KILLS + 1} times without`,
      n: answers.length,
      result: `0 lost, 0 repeats, 0 unknown; ${held.withAof} and ${held.without} jobs were in Redis alone; settled ${waitedMs} ms after the last`,
      bound: '0 lost, 0 repeats',
    })
  },
  120_000,
)

test.skipIf(!redisInstalled())(
  'T7 control: a gateway with its backlog in Redis without AOF loses it',
  async () => {
    announceSeed('T7 control')
    await using stack = await startNaiveStack({ withRedis: true, backlog: 'redis', providerLatencyMs: 500 })
    const N = 200
    await inParallel(N, 64, (index) =>
      stack.client.sendUntilSettled({ idempotencyKey: `t7-${index}`, to: ['user@example.net'] }),
    )
    await stack.redis?.kill()
    await stack.redis?.start()
    await sleep(2_000)
    const { lost } = summarize(await stack.judge())
    expect(lost).toBeGreaterThan(0)
    reportResult({
      test: 'T7 control',
      fault: 'backlog in Redis without AOF, killed once',
      n: N,
      result: `${lost} lost`,
      bound: 'must lose',
    })
  },
  60_000,
)
