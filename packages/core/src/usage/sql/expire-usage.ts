import type { Queryable } from '@lettergate/db/pool'

/** Thirteen months and a few days. */
const KEPT_DAYS = 400
const TABLES = {
  usage: 'day',
  usage_connection: 'day',
  usage_notice: 'period',
  usage_moved: 'day',
} as const

/** Forgets what is older than anybody can ask for; answers how many rows, `limit` at most of each table. */
export async function expireUsage(db: Queryable, limit: number): Promise<number> {
  let total = 0
  for (const [table, day] of Object.entries(TABLES)) {
    const { rowCount } = await db.query({
      name: `expire-${table}`,
      text: `
        delete from ${table} where ctid = any(array(
          select ctid from ${table} where ${day} < usage_today() - $1::int4 limit $2 for update skip locked))`,
      values: [KEPT_DAYS, limit],
    })
    total += rowCount ?? 0
  }
  return total
}
