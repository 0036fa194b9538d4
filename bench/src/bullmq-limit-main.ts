import { randomUUID } from 'node:crypto'
import { Queue, Worker } from 'bullmq'

/*
 * BullMQ's own rate: claims are added in jobs as a dispatcher adds them, and ended as soon as they are taken. Argument: port of
 * Redis, claims in a job, seconds.
 */

type Claim = { messageId: string; tenantId: string; epoch: number; contentBytes: number }
type Job = { name: string; data: { claims: Claim[] }; opts: object }

/** In the queue at the same time, as in the gateway. */
const DEPTH = 2_000
/** Claims that one claim statement fetches while many are held. */
const CLAIMS_PER_ADD = 100
const WARM_UP_MS = 700

const { port, claimsPerJob, seconds }: { port: number; claimsPerJob: number; seconds: number } = JSON.parse(
  process.argv[2] ?? '{}',
)

let [held, ended, epoch] = [0, 0, 0]
const tenantId = randomUUID()

function nextJobs(): Job[] {
  return Array.from({ length: CLAIMS_PER_ADD / claimsPerJob }, () => {
    const claims = Array.from({ length: claimsPerJob }, () => ({
      messageId: randomUUID(),
      tenantId,
      epoch: ++epoch,
      contentBytes: 2_300,
    }))
    return {
      name: 'deliver-messages.v1',
      data: { claims },
      opts: { attempts: 1, removeOnComplete: true, removeOnFail: true, jobId: `deliver-${claims[0]?.epoch}` },
    }
  })
}

const connection = { host: '127.0.0.1', port, maxRetriesPerRequest: null }
const queue = new Queue('limit', { connection })
let room = Promise.withResolvers<void>()
const worker = new Worker(
  'limit',
  async ({ data }) => {
    ended += data.claims.length
    held -= data.claims.length
    if (held <= DEPTH - CLAIMS_PER_ADD) room.resolve()
  },
  { connection, concurrency: DEPTH, removeOnComplete: { count: 0 } },
)
const warmAt = performance.now() + WARM_UP_MS
let [since, endedBefore] = [0, 0]
for (;;) {
  if (since === 0 && performance.now() >= warmAt) [since, endedBefore] = [performance.now(), ended]
  if (since > 0 && performance.now() >= since + seconds * 1_000) break
  if (held > DEPTH - CLAIMS_PER_ADD) {
    room = Promise.withResolvers()
    await room.promise
  }
  held += CLAIMS_PER_ADD
  await queue.addBulk(nextJobs())
}
const rate = (ended - endedBefore) / ((performance.now() - since) / 1_000)
process.stdout.write(`RESULT ${rate.toFixed(1)}\n`)
await worker.close(true)
await queue.close()
