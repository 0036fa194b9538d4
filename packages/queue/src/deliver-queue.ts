import { createPostgresBackend, Queue, withBackend } from 'bullmq'
import { DEFAULT_PREFIX, POSTGRES_SCHEMA, producerOptions, QUEUE_NAME, type QueueBackend } from './backend.ts'
import { DELIVER_JOB, type QueuedClaim, toJobs } from './jobs.ts'
import { openRedis } from './redis.ts'

export type DeliverQueue = {
  /** Enqueues claims; rejects if that could not be confirmed in time (it may have happened nevertheless). */
  add(claims: QueuedClaim[]): Promise<void>
  close(): Promise<void>
}

/** Nothing is kept of a job that has ended: Postgres knows what became of its messages. */
const JOB_OPTIONS = { attempts: 1, removeOnComplete: true, removeOnFail: true }

type AddBulk = (
  jobs: { name: string; data: { claims: QueuedClaim[] }; opts: typeof JOB_OPTIONS & { jobId: string } }[],
) => Promise<unknown>

function wrap(addBulk: AddBulk, close: () => Promise<void>): DeliverQueue {
  return {
    async add(claims) {
      await addBulk(
        toJobs(claims).map((job) => ({
          name: DELIVER_JOB,
          data: { claims: job.claims },
          opts: { ...JOB_OPTIONS, jobId: job.id },
        })),
      )
    },
    close,
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
      connection: { connectionString: backend.url, schema: POSTGRES_SCHEMA, migrate: true, max: 3 },
    })
    queue.on('error', onError)
    await queue.waitUntilReady()
    return wrap(
      (jobs) => queue.addBulk(jobs),
      () => queue.close(),
    )
  }
  const redis = await openRedis(producerOptions(backend.url), onError)
  const queue = new Queue(QUEUE_NAME, { connection: redis, prefix: backend.prefix ?? DEFAULT_PREFIX })
  queue.on('error', onError)
  return wrap(
    (jobs) => queue.addBulk(jobs),
    async () => {
      await queue.close()
      redis.disconnect()
    },
  )
}
