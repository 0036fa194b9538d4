import { Redis } from 'ioredis'
import type { producerOptions } from './backend.ts'

/**
 * Connects, waiting for as long as Redis is away, and throws where it may evict keys: that would drop jobs silently.
 * (Nothing would be lost, but every dropped job would wait for a sweep.)
 */
export async function openRedis(
  options: ReturnType<typeof producerOptions>,
  onError: (error: Error) => void,
): Promise<Redis> {
  const redis = new Redis(options)
  redis.on('error', onError)
  if (redis.status !== 'ready') await new Promise<void>((resolve) => redis.once('ready', () => resolve()))
  const memory = await redis.info('memory')
  const policy = /maxmemory_policy:(\S+)/.exec(memory)?.[1]
  if (policy !== undefined && policy !== 'noeviction') {
    redis.disconnect()
    throw new Error(`Redis evicts keys (maxmemory-policy ${policy}): set maxmemory-policy to noeviction`)
  }
  return redis
}
