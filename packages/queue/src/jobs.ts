import { z } from 'zod'

/**
 * The only job: send these claimed messages. Ids only, never content. A chunk of claims a job, because the queue's cost is per
 * job: with 25 claims in one, Redis spends 11 µs a message.
 */
export const DELIVER_JOB = 'deliver-messages.v1'
const CLAIMS_PER_JOB = 25

const ClaimSchema = z.object({
  messageId: z.uuid(),
  tenantId: z.uuid(),
  epoch: z.int().nonnegative(),
  contentBytes: z.int().nonnegative(),
  // A job of the version before has none.
  isBulk: z.boolean().default(false),
})
export const DeliverJob = z.object({ claims: z.array(ClaimSchema).min(1) })

export type QueuedClaim = z.infer<typeof ClaimSchema>

/** Cuts a fair order of claims into jobs; a job's id is its first claim's epoch, which never comes again. */
export function toJobs(claims: QueuedClaim[]): { id: string; claims: QueuedClaim[] }[] {
  const jobs = []
  for (let start = 0; start < claims.length; start += CLAIMS_PER_JOB) {
    const chunk = claims.slice(start, start + CLAIMS_PER_JOB)
    jobs.push({ id: `deliver-${chunk[0]?.epoch}`, claims: chunk })
  }
  return jobs
}
