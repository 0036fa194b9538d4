import { createPostgresBackend, type Job, Worker, withBackend } from 'bullmq'
import {
  consumerOptions,
  DEFAULT_PREFIX,
  postgresConnection,
  QUEUE_NAME,
  type QueueBackend,
} from './backend.ts'
import { DeliverJob, type QueuedClaim } from './jobs.ts'

export type DeliverWorker = {
  /** Takes no more jobs, and resolves when those in progress have ended. */
  close(): Promise<void>
}

export type DeliverWorkerOptions = {
  backend: QueueBackend
  /** The maximum of held jobs; at least the dispatch depth, so that one tenant's jobs never keep out another's. */
  concurrency: number
  process(claims: QueuedClaim[]): Promise<void>
  onError(error: Error): void
}

/** A job that stalled is run again without limit: its claims decide whether there is anything to do. */
const STALLED_MAX = 1_000_000

/** After an error of the connection; BullMQ's own 15 s would be longer than the pause itself may be. */
const RETRY_MS = 1_000

/** The consuming side. A job never fails: what went wrong with a message is recorded in Postgres. */
export async function createDeliverWorker(options: DeliverWorkerOptions): Promise<DeliverWorker> {
  const { backend } = options
  const processJob = async (job: Job<unknown>): Promise<void> => {
    await options.process(DeliverJob.parse(job.data).claims)
  }
  const common = {
    concurrency: options.concurrency,
    lockDuration: 30_000,
    maxStalledCount: STALLED_MAX,
    removeOnComplete: { count: 0 },
    removeOnFail: { count: 0 },
    runRetryDelay: RETRY_MS,
  }
  if (backend.kind === 'postgres') {
    const classes = withBackend(createPostgresBackend)
    const worker = new classes.Worker<unknown, void>(QUEUE_NAME, processJob, {
      ...common,
      connection: postgresConnection(backend.url, 5),
    })
    worker.on('error', options.onError)
    worker.on('failed', (_job, error) => options.onError(error))
    await worker.waitUntilReady()
    return { close: () => worker.close() }
  }
  const worker = new Worker<unknown, void>(QUEUE_NAME, processJob, {
    ...common,
    connection: consumerOptions(backend.url),
    prefix: backend.prefix ?? DEFAULT_PREFIX,
    skipWaitingForReady: true,
  })
  worker.on('error', options.onError)
  worker.on('failed', (_job, error) => options.onError(error))
  return { close: () => worker.close() }
}
