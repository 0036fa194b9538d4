import type { Queryable } from '@lettergate/db/pool'

/** Deletes the oldest entries of the log if they are older than this many days; answers how many, `limit` at most. */
export async function expireAudit(db: Queryable, keptDays: number, limit: number): Promise<number> {
  const { rowCount } = await db.query({
    name: 'expire-audit',
    text: `
      with oldest as materialized (select id, at from audit_log order by id limit $2)
      delete from audit_log a using oldest o where a.id = o.id and o.at < now() - $1 * interval '1 day'`,
    values: [keptDays, limit],
  })
  return rowCount ?? 0
}
