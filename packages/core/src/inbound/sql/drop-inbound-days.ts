import type { Queryable } from '@lettergate/db/pool'

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
