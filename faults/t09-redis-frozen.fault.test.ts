import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { startNaiveStack } from './src/naive-stack.ts'
import { loadDuring, percentile, statusesOf } from './src/paced-load.ts'
import { waitUntil } from './src/ports.ts'
import { type RedisServer, redisInstalled } from './src/redis.ts'
import { holdJobs, jobsHeld, releaseJobs } from './src/redis-queue.ts'
import { reportResult } from './src/report.ts'
import { announceSeed, faultsCount, type Random } from './src/seed.ts'
import { settle } from './src/settle.ts'
import { type Stack, startStack } from './src/stack.ts'

const PER_SECOND = 50
/** 20 s, longer than the lease of a claim; a minute with FAULTS_N=3000. */
const FROZEN_MS = (faultsCount(1_000) / PER_SECOND) * 1_000
const REQUEST_MS_MAX = 1_000
const MOVING_AGAIN_MS_MAX = 10_000

type Frozen = { staleJobs: number; movingMs: number }

/**
 * Suspends Redis while jobs wait in it and while the dispatcher adds more, which Redis finds in its socket when it is resumed: by
 * then all of these claims have expired.
 */
async function freeze(redis: RedisServer, stack: Stack, random: Random): Promise<Frozen> {
  await sleep(500 + random.below(1_000))
  await holdJobs(redis)
  await sleep(500)
  redis.freeze()
  await sleep(FROZEN_MS)
  const before = await stack.provider.count()
  redis.thaw()
  const start = performance.now()
  const staleJobs = await jobsHeld(redis)
  await releaseJobs(redis)
  await waitUntil('mail to move again', 60_000, async () => (await stack.provider.count()) > before)
  return { staleJobs, movingMs: Math.round(performance.now() - start) }
}

test.skipIf(!redisInstalled())(
  'T9: a Redis that hangs makes no client wait, and its late answers send no message twice',
  async () => {
    const random = announceSeed('T9')
    await using stack = await startStack({ dailyLimit: 1_000_000, providerLatencyMs: 100 })
    const redis = stack.redis
    if (!redis) throw new Error('T9 needs a Redis')
    let frozen: Frozen | undefined
    const answers = await loadDuring(stack.client, { perSecond: PER_SECOND, prefix: 't9' }, async () => {
      frozen = await freeze(redis, stack, random)
    })
    const { verdict, waitedMs } = await settle(stack, 60_000)
    const slowest = percentile(answers, 1)
    expect(statusesOf(answers)).toEqual({ 202: answers.length })
    expect(slowest).toBeLessThanOrEqual(REQUEST_MS_MAX)
    expect(verdict).toEqual({ lost: [], repeated: [], unknown: [], overQuota: [], stuck: [] })
    expect(frozen?.staleJobs).toBeGreaterThan(0)
    expect(frozen?.movingMs).toBeLessThanOrEqual(MOVING_AGAIN_MS_MAX)
    reportResult({
      test: 'T9',
      fault: `Redis suspended for ${FROZEN_MS / 1_000} s at ${PER_SECOND} requests/s, then resumed`,
      n: answers.length,
      result: `all 202, slowest ${slowest} ms; ${frozen?.staleJobs} stale jobs ran late, 0 repeats; moving again after ${frozen?.movingMs} ms, drained after ${waitedMs} ms`,
      bound: `no request > ${REQUEST_MS_MAX} ms, moving again ≤ ${MOVING_AGAIN_MS_MAX} ms, 0 lost, 0 repeats`,
    })
  },
  240_000,
)

test.skipIf(!redisInstalled())(
  'T9 control: a gateway that waits for Redis makes its clients wait',
  async () => {
    announceSeed('T9 control')
    await using stack = await startNaiveStack({ withRedis: true, backlog: 'redis' })
    const redis = stack.redis
    const answers = await loadDuring(stack.client, { perSecond: PER_SECOND, prefix: 't9' }, async () => {
      redis?.freeze()
      await sleep(2_000)
      redis?.thaw()
    })
    const slowest = percentile(answers, 1)
    expect(slowest).toBeGreaterThan(REQUEST_MS_MAX)
    reportResult({
      test: 'T9 control',
      fault: 'Redis suspended for 2 s under a gateway that enqueues before it answers',
      n: answers.length,
      result: `slowest ${slowest} ms`,
      bound: 'must be late',
    })
  },
  60_000,
)
