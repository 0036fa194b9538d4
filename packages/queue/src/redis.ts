import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import type { producerOptions } from './backend.ts'

export type RedisLink = {
  redis: Redis
  /** Whether it is connected to a Redis that may be used. */
  isOpen(): boolean
}

/** A Redis that answers is known by then; one that does not is waited for while everything else runs. */
const FIRST_LOOK_MS = 3_000

/**
 * Keeps a connection to Redis. Starts without it, since Postgres is the truth and Redis may come later, but throws where Redis may
 * evict keys: that would drop jobs silently. (Nothing would be lost, but every dropped job would wait for a sweep.)
 */
export async function openRedis(
  options: ReturnType<typeof producerOptions>,
  onError: (error: Error) => void,
): Promise<RedisLink> {
  const redis = new Redis(options)
  redis.on('error', onError)
  let isOpen = false
  let refusal: Error | null = null
  redis.on('close', () => {
    isOpen = false
  })
  const looked = Promise.withResolvers<void>()
  // Again with every connection: a Redis that returns may have other settings.
  redis.on('ready', () => {
    evictionError(redis).then(
      (error) => {
        refusal = error
        isOpen = error === null
        if (error) onError(error)
        looked.resolve()
      },
      (error: Error) => {
        onError(error)
        redis.disconnect(true)
      },
    )
  })
  await Promise.race([looked.promise, sleep(FIRST_LOOK_MS, undefined, { ref: false })])
  if (refusal) {
    redis.disconnect()
    throw refusal
  }
  return { redis, isOpen: () => isOpen }
}

async function evictionError(redis: Redis): Promise<Error | null> {
  const policy = /maxmemory_policy:(\S+)/.exec(await redis.info('memory'))?.[1]
  if (policy === undefined || policy === 'noeviction') return null
  return new Error(
    `Redis may evict jobs (maxmemory-policy is ${policy}): run CONFIG SET maxmemory-policy noeviction, and set it in redis.conf`,
  )
}
