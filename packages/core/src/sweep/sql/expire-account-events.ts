import type { Queryable } from '@lettergate/db/pool'

/** Forgets events of accounts that the feed no longer has; answers how many, `limit` at most. */
export async function expireAccountEvents(db: Queryable, keptDays: number, limit: number): Promise<number> {
  const { rowCount } = await db.query({
    name: 'expire-account-events',
    text: `
      delete from account_event where (tenant_id, seq) in (
        select tenant_id, seq from account_event where at < now() - $1 * interval '1 day' order by at limit $2)`,
    values: [keptDays, limit],
  })
  return rowCount ?? 0
}
