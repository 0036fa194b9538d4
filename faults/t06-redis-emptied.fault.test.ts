import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { inParallel } from './src/client.ts'
import { promisedIds } from './src/client-ledger.ts'
import { startNaiveStack } from './src/naive-stack.ts'
import { summarize } from './src/oracle.ts'
import { waitUntil } from './src/ports.ts'
import { type RedisServer, redisInstalled } from './src/redis.ts'
import { holdJobs, jobsHeld } from './src/redis-queue.ts'
import { reportResult } from './src/report.ts'
import { announceSeed, faultsCount } from './src/seed.ts'
import { settle } from './src/settle.ts'
import { type Stack, startStack } from './src/stack.ts'

const N = faultsCount(600)
const SCHEDULED = Math.ceil(N / 20)
const SCHEDULE_MS = 5_000
const LATE_MS_MAX = 15_000
const MOVING_AGAIN_MS_MAX = 30_000
const LATENCY_MS = 100

/** Empties Redis while jobs wait that exist only in it; returns their number, and milliseconds until mail moves again. */
async function emptyRedis(stack: Stack, redis: RedisServer): Promise<{ jobs: number; movingMs: number }> {
  await holdJobs(redis)
  // Messages that workers have already taken are sent anyway, and must not be counted as mail that moves again.
  await sleep(500 + 2 * LATENCY_MS)
  const before = await stack.provider.count()
  const jobs = await jobsHeld(redis)
  await redis.command('FLUSHALL')
  const start = performance.now()
  const moved = async () => (await stack.provider.count()) > before
  await waitUntil('mail to move again', MOVING_AGAIN_MS_MAX, moved)
  return { jobs, movingMs: Math.round(performance.now() - start) }
}

async function latenesses(stack: Stack, dueAt: Date): Promise<number[]> {
  const scheduled = stack.ledger.requests().filter(({ idempotencyKey }) => idempotencyKey.startsWith('later'))
  const ids = new Set(scheduled.flatMap((request) => [...promisedIds(request)]))
  const entries = (await stack.provider.ledger()).filter(({ messageId }) => ids.has(messageId ?? ''))
  return entries.map(({ at }) => at - dueAt.getTime())
}

test.skipIf(!redisInstalled())(
  'T6: every accepted message is sent exactly once although Redis is emptied meanwhile',
  async () => {
    const random = announceSeed('T6')
    await using stack = await startStack({ dailyLimit: N, providerLatencyMs: LATENCY_MS })
    const redis = stack.redis
    if (!redis) throw new Error('T6 needs a Redis')
    const sendAt = new Date(Date.now() + SCHEDULE_MS)
    await inParallel(SCHEDULED, 16, (index) =>
      stack.client.sendUntilSettled({ idempotencyKey: `later-${index}`, to: ['user@example.net'], sendAt }),
    )
    const writing = inParallel(N - SCHEDULED, 8, async (index) => {
      await stack.client.sendUntilSettled({ idempotencyKey: `now-${index}`, to: ['user@example.net'] })
      await sleep(random.below(60))
    })
    const emptied = [await emptyRedis(stack, redis), await emptyRedis(stack, redis)]
    await writing
    await sleep(Math.max(0, sendAt.getTime() - Date.now()))
    const { verdict, waitedMs } = await settle(stack, 60_000)
    expect(verdict).toEqual({ lost: [], repeated: [], unknown: [], overQuota: [], stuck: [] })
    for (const { jobs } of emptied) expect(jobs).toBeGreaterThan(0)
    const late = await latenesses(stack, sendAt)
    expect(late).toHaveLength(SCHEDULED)
    expect(Math.min(...late)).toBeGreaterThanOrEqual(0)
    expect(Math.max(...late)).toBeLessThanOrEqual(LATE_MS_MAX)
    reportResult({
      test: 'T6',
      fault: `Redis emptied twice in mid-run with ${emptied.map(({ jobs }) => jobs).join(' and ')} jobs waiting in it, ${SCHEDULED} of the messages scheduled`,
      n: N,
      result: `0 lost, 0 repeats, 0 unknown, moving again after ${emptied.map(({ movingMs }) => movingMs).join(' and ')} ms, scheduled ≤ ${Math.max(...late)} ms late, settled after ${waitedMs} ms`,
      bound: '0 lost, 0 repeats, moving again ≤ 30 s, scheduled ≤ 15 s late',
    })
  },
  240_000,
)

test.skipIf(!redisInstalled())(
  'T6 control: a gateway with its backlog in Redis loses it',
  async () => {
    announceSeed('T6 control')
    await using stack = await startNaiveStack({
      withRedis: true,
      backlog: 'redis',
      providerLatencyMs: LATENCY_MS,
    })
    await inParallel(200, 64, (index) =>
      stack.client.sendUntilSettled({ idempotencyKey: `t6-${index}`, to: ['user@example.net'] }),
    )
    await stack.redis?.command('FLUSHALL')
    await sleep(3 * LATENCY_MS)
    const { lost } = summarize(await stack.judge())
    expect(lost).toBeGreaterThan(0)
    reportResult({
      test: 'T6 control',
      fault: 'a gateway whose backlog lives in Redis alone; Redis emptied once',
      n: 200,
      result: `${lost} lost`,
      bound: 'lost',
    })
  },
  60_000,
)
