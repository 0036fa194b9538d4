import type { Queryable } from '@lettergate/db/pool'

/** Drops the days that are older of a table that is partitioned by time; answers how many. */
export async function dropDayPartitions(
  db: Queryable,
  table: 'feed' | 'provider_event' | 'delivery_try',
  keptDays: number,
): Promise<number> {
  const { rows } = await db.query<{ dropped: number }>({
    name: 'drop-day-partitions',
    text: `select drop_day_partitions($1, (now() at time zone 'utc')::date - $2::int) as dropped`,
    values: [table, keptDays],
  })
  return rows[0]?.dropped ?? 0
}
