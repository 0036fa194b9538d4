import type { Queryable } from '@lettergate/db/pool'

/**
 * Ends a job and deletes its file, once the chunk under way is finished. False: there is no such job, or it had ended before.
 */
export async function cancelJob(
  db: Queryable,
  job: { tenantId: string; mode: string; id: string },
): Promise<boolean> {
  const { rows } = await db.query<{ cancelled: boolean }>({
    name: 'cancel-suppression-job',
    text: `
      with cancelled as (
        update suppression_job set state = 'cancelled', finished_at = now()
        where tenant_id = $1 and id = $2 and mode = $3 and state in ('waiting', 'running')
        returning id
      ), chunks as (
        delete from suppression_chunk where tenant_id = $1 and job_id in (select id from cancelled)
      )
      select exists (select from cancelled) as cancelled`,
    values: [job.tenantId, job.id, job.mode],
  })
  return rows[0]?.cancelled === true
}
