/** Redis when there is one; otherwise the queue is in the database, in its own schema. */
export type QueueBackend = { kind: 'redis'; url: string; prefix?: string } | { kind: 'postgres'; url: string }

/** The queue in Postgres. A query to a silent one has a deadline: a claim that was not enqueued expires after 10 s anyway. */
export const postgresConnection = (url: string, max: number) => ({
  connectionString: url,
  query_timeout: 15_000,
  connectionTimeoutMillis: 5_000,
  keepAlive: true,
  keepAliveInitialDelayMillis: 5_000,
  schema: 'bullmq',
  migrate: true,
  max,
})

/** Braces: all keys of a queue fall into one slot of a Redis Cluster. */
export const DEFAULT_PREFIX = '{lettergate}'

export const QUEUE_NAME = 'deliver'

type RedisHost = {
  host: string
  port: number
  db: number
  username?: string
  password?: string
  tls?: Record<string, never>
}

function hostOptions(url: string): RedisHost {
  const { hostname, port, username, password, pathname, protocol } = new URL(url)
  return {
    host: hostname,
    port: port === '' ? 6379 : Number(port),
    ...(username === '' ? {} : { username: decodeURIComponent(username) }),
    ...(password === '' ? {} : { password: decodeURIComponent(password) }),
    db: Number(pathname.slice(1) || 0),
    ...(protocol === 'rediss:' ? { tls: {} } : {}),
  }
}

const RECONNECT_MS_MAX = 1_000

/**
 * A producer must fail fast: without `commandTimeout` an add waits forever for a Redis that hangs. It may happen later all the
 * same, which is harmless, since every claim carries its epoch.
 */
export const producerOptions = (url: string) => ({
  ...hostOptions(url),
  enableOfflineQueue: false,
  commandTimeout: 2_000,
  maxRetriesPerRequest: 1,
  retryStrategy: (times: number) => Math.min(times * 50, RECONNECT_MS_MAX),
})

/** A consumer waits until Redis is back, and checks more often than BullMQ's own default, which sleeps up to 20 s. */
export const consumerOptions = (url: string) => ({
  ...hostOptions(url),
  maxRetriesPerRequest: null,
  retryStrategy: (times: number) => Math.min(times * 50, RECONNECT_MS_MAX),
})
