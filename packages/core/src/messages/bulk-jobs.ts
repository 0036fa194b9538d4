import { newId } from '@lettergate/contracts/lib/ids'
import { type BulkAction, type BulkFilter, bulkActions } from '@lettergate/contracts/messages/bulk'
import { Problem } from '@lettergate/contracts/problems/problems'
import type { ManagedTables, OperatorPrisma, TenantPrisma } from '@lettergate/db/prisma'
import { z } from 'zod'
import { fromStorage, toJson } from '../lib/index.ts'
import { storeFilter } from './bulk-filter.ts'
import type { BulkScope } from './preview-bulk.ts'

/** Jobs of one owner that are not finished. */
const OPEN_JOBS_MAX = 5

export const BulkErrors = z.array(z.object({ message: z.string(), detail: z.string() }))

const StoredJob = z.object({
  id: z.string(),
  of_tenant: z.string().nullable(),
  action: z.enum(bulkActions),
  state: z.enum(['waiting', 'running', 'done', 'cancelled', 'failed']),
  matched: z.number(),
  done: z.number(),
  skipped: z.number(),
  failed: z.number(),
  errors: BulkErrors,
  reason: z.string().nullable(),
  created_at: z.date(),
  finished_at: z.date().nullable(),
})
export type BulkJobRow = z.output<typeof StoredJob>

/** Runs a transaction of a job's owner: a tenant, or the operator. */
export type JobOwner = {
  /** Null: the operator. */
  tenantId: string | null
  transact<T>(work: (db: ManagedTables) => Promise<T>): Promise<T>
}

export const jobsOfTenant = (prisma: TenantPrisma, tenantId: string): JobOwner => ({
  tenantId,
  transact: (work) => fromStorage(prisma.forTenant(tenantId, work)),
})

export const jobsOfOperator = (operator: OperatorPrisma): JobOwner => ({
  tenantId: null,
  transact: (work) => fromStorage(operator.forOperator(work)),
})

const isOpen = { in: ['waiting', 'running'] }

/** Leaves the action to the workers. */
export async function startBulkJob(
  owner: JobOwner,
  { ofTenant, mode }: BulkScope,
  request: { action: BulkAction; filter: BulkFilter },
  now: number,
): Promise<BulkJobRow> {
  const job = await owner.transact(async (db) => {
    const open = await db.message_job.count({ where: { tenant_id: owner.tenantId, state: isOpen } })
    if (open >= OPEN_JOBS_MAX) {
      throw new Problem('wrong-state', {
        detail: `${OPEN_JOBS_MAX} jobs over messages are not finished, which is the most. Wait until one of them is done, or cancel it.`,
      })
    }
    if (ofTenant !== null && (await db.tenant.count({ where: { id: ofTenant } })) === 0)
      throw new Problem('not-found')
    return db.message_job.create({
      data: {
        id: newId(),
        tenant_id: owner.tenantId,
        of_tenant: ofTenant,
        mode,
        action: request.action,
        filter: toJson(storeFilter(request.filter, now)),
      },
    })
  })
  return StoredJob.parse(job)
}

/** Test keys and live keys see the jobs of their mode; null: all. */
export async function readBulkJob(
  owner: JobOwner,
  id: string,
  mode: string | null = null,
): Promise<BulkJobRow> {
  const where = { id, tenant_id: owner.tenantId, ...(mode !== null && { mode }) }
  const job = await owner.transact((db) => db.message_job.findFirst({ where }))
  if (!job) throw new Problem('not-found')
  return StoredJob.parse(job)
}

/** Ends a job after the message that it is at; what it has done stays. */
export async function cancelBulkJob(
  owner: JobOwner,
  id: string,
  mode: string | null = null,
): Promise<BulkJobRow> {
  const job = await readBulkJob(owner, id, mode)
  const count = await owner.transact(
    (db) => db.$executeRaw`
      update message_job set state = 'cancelled', finished_at = now()
      where id = ${job.id}::uuid and state in ('waiting', 'running')`,
  )
  const after = await readBulkJob(owner, id, mode)
  if (count === 0)
    throw new Problem('wrong-state', { detail: `The job is ${after.state}: nothing is left to cancel.` })
  return after
}
