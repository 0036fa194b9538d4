import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { startNaiveStack } from './src/naive-stack.ts'
import { loadDuring, percentile, statusesOf } from './src/paced-load.ts'
import { waitUntil } from './src/ports.ts'
import { type RedisOptions, type RedisServer, redisInstalled } from './src/redis.ts'
import { reportResult } from './src/report.ts'
import { announceSeed, faultsCount, type Random } from './src/seed.ts'
import { settle } from './src/settle.ts'
import { startStack } from './src/stack.ts'
import { mountSmallDisk, noSmallDisk } from './src/tmpfs.ts'

const PER_SECOND = 50
/** 6 s each; 18 s with FAULTS_N=3000. */
const FULL_MS = (faultsCount(1_000) / PER_SECOND) * 300
const P99_MS_MAX = 500
const MOVING_AGAIN_MS_MAX = 10_000
const BALLAST_BYTES = 4 * 1024 * 1024

const withoutDisk = await noSmallDisk()
if (withoutDisk) process.stdout.write(`T10 on a full disk: skipped, ${withoutDisk}\n`)

/** How Redis is brought to refuse every write, and to take them again. */
type Shortage = { begin(redis: RedisServer): Promise<void>; end(redis: RedisServer): Promise<void> }

const MEMORY: Shortage = {
  async begin(redis) {
    // An idle Redis may need less than the 3 MB: what it holds beside the queue is made sure of.
    await redis.command(`SETRANGE ballast ${BALLAST_BYTES} x`)
    await redis.command('CONFIG SET maxmemory 3mb')
  },
  async end(redis) {
    await redis.command('CONFIG SET maxmemory 0')
    await redis.command('DEL ballast')
  },
}

async function holdsDuring(name: string, fault: string, shortage: Shortage, options: RedisOptions) {
  const random: Random = announceSeed(name)
  await using stack = await startStack({ dailyLimit: 1_000_000, providerLatencyMs: 100, redis: options })
  const redis = stack.redis
  if (!redis) throw new Error(`${name} needs a Redis`)
  let refusal = ''
  let movingMs = 0
  let sentMeanwhile = 0
  const answers = await loadDuring(stack.client, { perSecond: PER_SECOND, prefix: 't10' }, async () => {
    await sleep(500 + random.below(1_000))
    await shortage.begin(redis)
    await waitUntil('Redis to refuse writes', 10_000, async () => {
      refusal = await redis.command('SET probe 1')
      return refusal.startsWith('-')
    })
    // Messages in progress are sent first.
    await sleep(1_000)
    const atFirst = await stack.provider.count()
    await sleep(FULL_MS)
    const before = await stack.provider.count()
    sentMeanwhile = before - atFirst
    await shortage.end(redis)
    const start = performance.now()
    await waitUntil('mail to move again', 60_000, async () => (await stack.provider.count()) > before)
    movingMs = Math.round(performance.now() - start)
  })
  const { verdict, waitedMs } = await settle(stack, 60_000)
  const p99 = percentile(answers, 0.99)
  expect(statusesOf(answers)).toEqual({ 202: answers.length })
  expect(p99).toBeLessThanOrEqual(P99_MS_MAX)
  expect(verdict).toEqual({ lost: [], repeated: [], unknown: [], overQuota: [], stuck: [] })
  // Otherwise the fault did not bite, and nothing was shown.
  expect(sentMeanwhile).toBe(0)
  expect(movingMs).toBeLessThanOrEqual(MOVING_AGAIN_MS_MAX)
  reportResult({
    test: name,
    fault: `${fault} for ${FULL_MS / 1_000} s at ${PER_SECOND} requests/s ("${refusal.slice(1, 8).trim()}")`,
    n: answers.length,
    result: `all 202, p99 ${p99} ms; moving again after ${movingMs} ms, drained after ${waitedMs} ms`,
    bound: `all 202, p99 ≤ ${P99_MS_MAX} ms, moving again ≤ ${MOVING_AGAIN_MS_MAX} ms, 0 lost, 0 repeats`,
  })
}

test.skipIf(!redisInstalled())(
  'T10: with a Redis that is out of memory every message is accepted as before, and sent as soon as there is memory',
  () => holdsDuring('T10', 'Redis out of memory (maxmemory 3mb)', MEMORY, {}),
  120_000,
)

test.skipIf(!redisInstalled() || withoutDisk !== null)(
  'T10: with a Redis whose disk is full every message is accepted as before, and sent as soon as there is space',
  async () => {
    await using disk = await mountSmallDisk(4)
    const shortage: Shortage = { begin: () => disk.fill(), end: () => disk.free() }
    await holdsDuring('T10 disk', 'AOF on a full disk of 4 MB', shortage, { aof: true, folder: disk.folder })
  },
  120_000,
)

test.skipIf(!redisInstalled())(
  'T10 control: a gateway that writes to Redis before it answers does not answer',
  async () => {
    announceSeed('T10 control')
    await using stack = await startNaiveStack({ withRedis: true, backlog: 'redis' })
    const redis = stack.redis
    if (!redis) throw new Error('T10 needs a Redis')
    await MEMORY.begin(redis)
    const answers = await loadDuring(stack.client, { perSecond: PER_SECOND, prefix: 't10' }, () => sleep(500))
    const refused = answers.filter(({ request }) => request.answers.at(-1)?.status !== 202).length
    expect(refused).toBeGreaterThan(0)
    reportResult({
      test: 'T10 control',
      fault: 'Redis out of memory under a gateway that enqueues before it answers',
      n: answers.length,
      result: `${refused} without a 202`,
      bound: 'must not answer 202',
    })
  },
  60_000,
)
