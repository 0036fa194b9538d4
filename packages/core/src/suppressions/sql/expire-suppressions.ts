import type { Queryable } from '@lettergate/db/pool'

/** Deletes entries that ended, and jobs a week after they did with their files, a bounded number of each; answers how many. */
export async function expireSuppressions(db: Queryable, limit: number): Promise<number> {
  const { rows } = await db.query<{ n: number }>({
    name: 'expire-suppressions',
    text: `
      with ended as (
        delete from suppression where ctid = any(array(
          select ctid from suppression where expires_at <= now() limit $1 for update skip locked))
        returning 1
      ), old as (
        delete from suppression_job where ctid = any(array(
          select ctid from suppression_job where finished_at < now() - interval '7 days' limit $2 for update skip locked))
        returning 1
      )
      select ((select count(*) from ended) + (select count(*) from old))::int4 as n`,
    // A file has up to a thousand pieces, which go with its job.
    values: [limit, Math.ceil(limit / 50)],
  })
  return rows[0]?.n ?? 0
}
