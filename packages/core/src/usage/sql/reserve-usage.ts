import type { Queryable } from '@lettergate/db/pool'

export type Reservation = { reserved: boolean; limit: number; used: number; resetSeconds: number }

/**
 * Counts recipients on today's quota once more, if there is room, and takes them off the day on which they were
 * counted before; from then on the message belongs to today. Today's usage row must exist.
 */
export async function reserveUsage(
  client: Queryable,
  message: { tenantId: string; id: string; mode: string },
  counts: {
    /** Recipients to be counted today. */
    add: number
    /** Of these, still counted on the message's old day; 0 when that is today. */
    moved: number
  },
): Promise<Reservation> {
  const { rows } = await client.query<{
    reserved: boolean
    limit: number
    used: number
    reset_seconds: number
  }>({
    name: 'reserve-usage',
    text: `
      with place as materialized (
        select m.usage_day, (now() at time zone 'utc')::date as today, t.daily_limit
        from message m join tenant t on t.id = m.tenant_id
        where m.tenant_id = $1 and m.id = $2
      ), locked as materialized (
        select u.day, u.accepted from usage u, place p
        where u.tenant_id = $1 and u.mode = $3 and u.day in (p.usage_day, p.today)
        order by u.day
        for no key update of u
      ), room as materialized (
        select p.*, l.accepted, l.accepted + $4::int4 as wanted
        from place p join locked l on l.day = p.today
      ), reserved as (
        update usage u set accepted = case when u.day = r.today then r.wanted else u.accepted - $5::int4 end
        from room r
        where r.wanted <= r.daily_limit and u.tenant_id = $1 and u.mode = $3
          and (u.day = r.today or (u.day = r.usage_day and $5::int4 > 0))
        returning u.day
      ), moved as (
        update message m set usage_day = r.today from room r
        where m.tenant_id = $1 and m.id = $2 and exists (select from reserved)
      )
      select exists (select from reserved) as reserved, daily_limit as limit, accepted as used,
             ceil(extract(epoch from (date_trunc('day', now() at time zone 'utc') + interval '1 day')
                                     - (now() at time zone 'utc')))::int4 as reset_seconds
      from room`,
    values: [message.tenantId, message.id, message.mode, counts.add, counts.moved],
  })
  const [row] = rows
  if (!row) throw new Error('there is no usage row for today')
  return { reserved: row.reserved, limit: row.limit, used: row.used, resetSeconds: row.reset_seconds }
}
