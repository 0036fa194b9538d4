import type { Queryable } from '@lettergate/db/pool'

export type TakenJob = {
  tenantId: string
  id: string
  mode: string
  kind: 'import' | 'export'
  options: unknown
  total: number | null
  chunks: number
  rejected: number
  errors: unknown
  reached: [address: string, stream: string] | null
}

/**
 * Locks the job whose turn it is, until the transaction ends; null: none is due. Jobs that another worker has locked are left to it. The
 * lock is the lease: it ends with the worker, and so does all that the worker did of the chunk.
 */
export async function takeJob(db: Queryable): Promise<TakenJob | null> {
  const { rows } = await db.query<TakenJob>({
    name: 'take-suppression-job',
    text: `
      select tenant_id as "tenantId", id, mode, kind, options, total, chunks, rejected, errors, reached
      from suppression_job
      where state in ('waiting', 'running') and turn_at <= now()
      order by turn_at limit 1
      for update skip locked`,
    values: [],
  })
  return rows[0] ?? null
}
