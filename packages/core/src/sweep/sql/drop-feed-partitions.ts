import type { Queryable } from '@lettergate/db/pool'

/** Drops the days of the feed that are older; answers how many. */
export async function dropFeedPartitions(db: Queryable, keptDays: number): Promise<number> {
  const { rows } = await db.query<{ dropped: number }>({
    name: 'drop-feed-partitions',
    text: `select drop_feed_partitions((now() at time zone 'utc')::date - $1::int) as dropped`,
    values: [keptDays],
  })
  return rows[0]?.dropped ?? 0
}
