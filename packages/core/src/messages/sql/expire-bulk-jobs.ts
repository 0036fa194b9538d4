import type { Queryable } from '@lettergate/db/pool'

/** Forgets jobs over messages that ended this many days ago; answers how many, `limit` at most. */
export async function expireBulkJobs(db: Queryable, keptDays: number, limit: number): Promise<number> {
  const { rowCount } = await db.query({
    name: 'expire-bulk-jobs',
    text: `
      delete from message_job where id in (
        select id from message_job where finished_at < now() - $1 * interval '1 day' order by finished_at limit $2)`,
    values: [keptDays, limit],
  })
  return rowCount ?? 0
}
