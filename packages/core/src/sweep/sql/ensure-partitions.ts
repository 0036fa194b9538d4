import type { Queryable } from '@lettergate/db/pool'

const DAYS_AHEAD = 8

/** Makes the daily partitions of the days to come, of one table after another; answers how many were made. */
export async function ensurePartitions(db: Queryable): Promise<number> {
  const tables = await db.query<{ name: string }>({
    name: 'list-partitioned-tables',
    text: 'select name from partitioned_tables() as name',
  })
  let total = 0
  for (const { name } of tables.rows) {
    const { rows } = await db.query<{ created: number }>({
      name: 'ensure-partitions',
      text: `
        select ensure_partitions_of($1, (now() at time zone 'utc')::date - 1, (now() at time zone 'utc')::date + $2::int) as created`,
      values: [name, DAYS_AHEAD],
    })
    total += rows[0]?.created ?? 0
  }
  return total
}
