import { Redis } from 'ioredis'
import { producerOptions } from './backend.ts'

/** Throws where Redis may evict keys: it would drop jobs silently. Nothing is lost then either, but every lost job waits for a sweep. */
export async function assertNoEviction(url: string): Promise<void> {
  const redis = new Redis({ ...producerOptions(url), lazyConnect: true, retryStrategy: () => null })
  redis.on('error', () => {})
  try {
    await redis.connect()
    const memory = await redis.info('memory')
    const policy = /maxmemory_policy:(\S+)/.exec(memory)?.[1]
    if (policy !== undefined && policy !== 'noeviction') {
      throw new Error(`Redis evicts keys (maxmemory-policy ${policy}): set maxmemory-policy to noeviction`)
    }
  } finally {
    redis.disconnect()
  }
}
