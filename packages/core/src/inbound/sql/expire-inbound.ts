import type { Queryable } from '@lettergate/db/pool'

/** Forgets for which mails a repeat is answered without a second row; answers how many. */
export async function expireSeen(db: Queryable, limit: number): Promise<number> {
  const { rowCount } = await db.query({
    name: 'expire-inbound-seen',
    text: `
      delete from inbound_seen where ctid = any (array(
        select ctid from inbound_seen where at < now() - interval '24 hours' order by at limit $1))`,
    values: [limit],
  })
  return rowCount ?? 0
}

/** Drops the days of received mail that are older; answers how many. */
export async function dropInboundDays(db: Queryable, keptDays: number): Promise<number> {
  const { rows } = await db.query<{ dropped: number }>({
    name: 'drop-inbound-days',
    text: `
      select drop_id_partitions('inbound_raw', (now() at time zone 'utc')::date - $1::int)
           + drop_id_partitions('inbound_message', (now() at time zone 'utc')::date - $1::int) as dropped`,
    values: [keptDays],
  })
  return rows[0]?.dropped ?? 0
}
