import type { BulkAction } from '@lettergate/contracts/messages/bulk'
import type { Queryable } from '@lettergate/db/pool'

export type TakenBulkJob = {
  id: string
  ofTenant: string | null
  mode: string | null
  action: BulkAction
  filter: unknown
  errors: unknown
  atTenant: string | null
  atMessage: string | null
  epoch: number
}

/**
 * Takes the job whose turn it is; null: none is due. The lease keeps other workers away while this one lives; the epoch fences it off if it
 * comes back after its lease.
 */
export async function takeBulkJob(db: Queryable, leaseMs: number): Promise<TakenBulkJob | null> {
  const { rows } = await db.query<TakenBulkJob>({
    name: 'take-bulk-job',
    text: `
      with due as materialized (
        select id from message_job
        where state in ('waiting', 'running') and turn_at <= now() and (lease_until is null or lease_until < now())
        order by turn_at limit 1
        for update skip locked
      )
      update message_job j set state = 'running', epoch = j.epoch + 1, lease_until = now() + $1::int4 * interval '1 ms'
      from due where j.id = due.id
      returning j.id, j.of_tenant as "ofTenant", j.mode, j.action, j.filter, j.errors, j.at_tenant as "atTenant",
                j.at_message as "atMessage", j.epoch`,
    values: [leaseMs],
  })
  return rows[0] ?? null
}
