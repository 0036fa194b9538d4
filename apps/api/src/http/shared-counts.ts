import { Redis } from 'ioredis'
import { RateLimiterRedis } from 'rate-limiter-flexible'

export type SharedCounts = {
  /** Adds to a count that all processes share; null: the store does not answer, and the process goes on with its own. Never rejects. */
  add(name: string, n: number): Promise<{ count: number; msLeft: number } | null>
  close(): Promise<void>
}

/** A store that needs longer is as good as gone; nobody waits for it. */
const ANSWER_MS_MAX = 500
const RECONNECT_MS_MAX = 2_000

/** Counts in Redis, each for one window. It may be lost, and come back empty. */
export function createSharedCounts(options: {
  url: string
  windowMs: number
  onResult: (result: 'ok' | 'failed') => void
}): SharedCounts {
  const redis = new Redis(options.url, {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    commandTimeout: ANSWER_MS_MAX,
    retryStrategy: (tries) => Math.min(tries * 100, RECONNECT_MS_MAX),
  })
  // Each failure is counted where it matters: at the question that it left without an answer.
  redis.on('error', () => {})
  const limiter = new RateLimiterRedis({
    storeClient: redis,
    keyPrefix: 'lettergate-requests',
    points: Number.MAX_SAFE_INTEGER,
    duration: options.windowMs / 1_000,
  })
  return {
    async add(name, n) {
      try {
        const { consumedPoints, msBeforeNext } = await limiter.penalty(name, n)
        options.onResult('ok')
        return { count: consumedPoints, msLeft: Math.max(0, msBeforeNext) }
      } catch {
        options.onResult('failed')
        return null
      }
    },
    async close() {
      redis.disconnect()
    },
  }
}
