import type { RedisServer } from './redis.ts'

/** The keys of the gateway's one queue; fault tests reach into it as no part of the gateway does. */
const KEYS = '{lettergate}:deliver'

/** Pauses the queue as BullMQ does: jobs are still added, and wait in Redis, and exist nowhere else. */
export async function holdJobs(redis: RedisServer): Promise<void> {
  await redis.command(`HSET ${KEYS}:meta paused 1`)
  await redis.command(`DEL ${KEYS}:marker`)
}

/** Lets workers have the jobs again. */
export async function releaseJobs(redis: RedisServer): Promise<void> {
  await redis.command(`HDEL ${KEYS}:meta paused`)
  await redis.command(`ZADD ${KEYS}:marker 0 0`)
}

/** Jobs that wait in Redis. */
export async function jobsHeld(redis: RedisServer): Promise<number> {
  return Number.parseInt((await redis.command(`LLEN ${KEYS}:wait`)).slice(1), 10)
}
