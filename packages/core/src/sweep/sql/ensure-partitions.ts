import type { Queryable } from '@lettergate/db/pool'

const DAYS_AHEAD = 8

/** Makes the daily partitions of the days to come; answers how many were made. */
export async function ensurePartitions(db: Queryable): Promise<number> {
  const { rows } = await db.query<{ created: number }>({
    name: 'ensure-partitions',
    text: `select ensure_partitions((now() at time zone 'utc')::date - 1, (now() at time zone 'utc')::date + $1::int) as created`,
    values: [DAYS_AHEAD],
  })
  return rows[0]?.created ?? 0
}
