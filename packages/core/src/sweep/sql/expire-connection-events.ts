import type { Queryable } from '@lettergate/db/pool'

/** Deletes connection events older than a number of days, in bounded batches; answers how many. */
export async function expireConnectionEvents(db: Queryable, days: number, limit: number): Promise<number> {
  const { rowCount } = await db.query({
    name: 'expire-connection-events',
    text: `
      delete from connection_event where ctid = any(array(
        select ctid from connection_event where at < now() - $1::int4 * interval '1 day'
        order by at limit $2 for update skip locked))`,
    values: [days, limit],
  })
  return rowCount ?? 0
}
