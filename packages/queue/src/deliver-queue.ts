import { createPostgresBackend, Queue, withBackend } from 'bullmq'
import type { Redis } from 'ioredis'
import {
  DEFAULT_PREFIX,
  postgresConnection,
  producerOptions,
  QUEUE_NAME,
  type QueueBackend,
} from './backend.ts'
import { DELIVER_JOB, type QueuedClaim, toJobs } from './jobs.ts'
import { openRedis } from './redis.ts'

export type DeliverQueue = {
  /** Enqueues claims; rejects if that could not be confirmed in time (it may have happened nevertheless). */
  add(claims: QueuedClaim[]): Promise<void>
  /** Whether an add is likely to succeed now: otherwise nothing should be claimed. */
  isOpen(): boolean
  close(): Promise<void>
}

/** Nothing is kept of a job that has ended: Postgres knows what became of its messages. */
const JOB_OPTIONS = { attempts: 1, removeOnComplete: true, removeOnFail: true }

type AddBulk = (
  jobs: { name: string; data: { claims: QueuedClaim[] }; opts: typeof JOB_OPTIONS & { jobId: string } }[],
) => Promise<unknown>

/** A queue that has just refused (away, frozen, out of memory) is used again after this time. */
const ASK_AGAIN_MS = 1_000

function wrap(queue: { addBulk: AddBulk; isOpen: () => boolean; close: () => Promise<void> }): DeliverQueue {
  let askAgainAt = 0
  return {
    async add(claims) {
      try {
        await queue.addBulk(
          toJobs(claims).map((job) => ({
            name: DELIVER_JOB,
            data: { claims: job.claims },
            opts: { ...JOB_OPTIONS, jobId: job.id },
          })),
        )
      } catch (error) {
        askAgainAt = performance.now() + ASK_AGAIN_MS
        throw error
      }
    },
    isOpen: () => queue.isOpen() && performance.now() >= askAgainAt,
    close: queue.close,
  }
}

/** The producing side. */
export async function createDeliverQueue(
  backend: QueueBackend,
  onError: (error: Error) => void,
): Promise<DeliverQueue> {
  if (backend.kind === 'postgres') {
    const classes = withBackend(createPostgresBackend)
    const queue = new classes.Queue(QUEUE_NAME, {
      connection: postgresConnection(backend.url, 3),
    })
    queue.on('error', onError)
    await queue.waitUntilReady()
    return wrap({
      addBulk: (jobs) => queue.addBulk(jobs),
      isOpen: () => true,
      close: () => queue.close(),
    })
  }
  const { redis, isOpen } = await openRedis(producerOptions(backend.url), onError)
  let queue: Queue | undefined
  return wrap({
    addBulk(jobs) {
      // Made once Redis is there: BullMQ would wait for it without end.
      if (!isOpen()) return Promise.reject(new Error('Redis is away'))
      queue ??= openQueue(redis, backend.prefix ?? DEFAULT_PREFIX, onError)
      return queue.addBulk(jobs)
    },
    isOpen,
    async close() {
      await queue?.close()
      redis.disconnect()
    },
  })
}

function openQueue(redis: Redis, prefix: string, onError: (error: Error) => void): Queue {
  const queue = new Queue(QUEUE_NAME, { connection: redis, prefix })
  queue.on('error', onError)
  return queue
}
