import { fileURLToPath } from 'node:url'
import { startProcess } from '@lettergate/faults/processes'
import type { RedisServer } from '@lettergate/faults/redis'

/** Claims per second that BullMQ adds and ends. */
export type BullmqRates = { chunked: number; single: number }

const CLAIMS_PER_JOB = 25
const SECONDS = 2

/** BullMQ alone on the same Redis, with jobs as the gateway's and with one job a message. Empties that Redis. */
export async function measureBullmq(redis: RedisServer): Promise<BullmqRates> {
  return {
    chunked: await measure(redis, CLAIMS_PER_JOB),
    single: await measure(redis, 1),
  }
}

async function measure(redis: RedisServer, claimsPerJob: number): Promise<number> {
  await redis.command('FLUSHALL')
  const main = fileURLToPath(new URL('./bullmq-limit-main.ts', import.meta.url))
  const limit = startProcess({
    name: 'bullmq',
    command: process.execPath,
    args: [main, JSON.stringify({ port: redis.port, claimsPerJob, seconds: SECONDS })],
  })
  const { code } = await limit.exited
  const rate = Number(/^RESULT (\S+)$/m.exec(limit.output())?.[1])
  if (code !== 0 || !(rate > 0)) throw new Error(`BullMQ could not be measured: ${limit.output()}`)
  await redis.command('FLUSHALL')
  return rate
}
