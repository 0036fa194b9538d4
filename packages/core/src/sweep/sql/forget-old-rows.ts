import type { Queryable } from '@lettergate/db/pool'

export type OldRows = {
  table: string
  /** The moment from which a row is kept for some days. */
  at: string
  /** It is a day of UTC, and not a moment. */
  isDay?: true
  /** The worker may delete the rows, but not lock them, so two workers wait for each other. */
  isUnlocked?: true
}

/** Deletes rows that are older than this many days; answers how many, `limit` at most. */
export async function forgetOldRows(
  db: Queryable,
  { table, at, isDay, isUnlocked }: OldRows,
  keptDays: number,
  limit: number,
): Promise<number> {
  const before = isDay ? 'usage_today() - $1::int4' : `now() - $1::int4 * interval '24 hours'`
  const { rowCount } = await db.query({
    name: `forget-old-${table}`,
    text: `
      delete from ${table} where ctid = any(array(
        select ctid from ${table} where ${at} < ${before} limit $2 ${isUnlocked ? '' : 'for update skip locked'}))`,
    values: [keptDays, limit],
  })
  return rowCount ?? 0
}
