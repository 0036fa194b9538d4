import { numberOfType } from '@lettergate/contracts/messages/event-types'
import type { Queryable } from '@lettergate/db/pool'

const SENT = numberOfType('recipient.sent')
const BOUNCED = numberOfType('recipient.bounced')
const COMPLAINED = numberOfType('recipient.complained')

/**
 * Counts what each connection of the next tenants did on a day, from the feed of that day. The whole day is counted anew each time, and a
 * count only rises, so that it is exact however often it runs, and by how many. `next` null: there are no more tenants.
 */
export async function rollUpConnections(
  db: Queryable,
  { daysAgo, after, limit }: { daysAgo: number; after: string; limit: number },
): Promise<{ count: number; next: string | null }> {
  const { rows } = await db.query<{ n: number; next: string | null }>({
    name: 'roll-up-connections',
    text: `
      with page as materialized (
        select id from tenant where id > $1::uuid order by id limit $2
      ), counted as materialized (
        select f.tenant_id, f.mode, f.connection_id, count(*) filter (where f.type = ${SENT})::int4 as sent,
               count(*) filter (where f.type = ${BOUNCED})::int4 as bounced, count(*) filter (where f.type = ${COMPLAINED})::int4 as complained
        from page p join feed f on f.tenant_id = p.id
        where f.at >= (usage_today() - $3::int4)::timestamp at time zone 'utc' and f.at < (usage_today() - $3::int4 + 1)::timestamp at time zone 'utc'
          and f.type in (${SENT}, ${BOUNCED}, ${COMPLAINED}) and f.connection_id is not null
        group by 1, 2, 3
      ), written as (
        insert into usage_connection as u (tenant_id, day, mode, connection_id, sent, bounced, complained)
        select tenant_id, usage_today() - $3::int4, mode, connection_id, sent, bounced, complained from counted order by 1, 3, 4
        on conflict (tenant_id, day, mode, connection_id) do update
          set sent = greatest(u.sent, excluded.sent), bounced = greatest(u.bounced, excluded.bounced),
              complained = greatest(u.complained, excluded.complained)
          where (u.sent, u.bounced, u.complained) is distinct from (excluded.sent, excluded.bounced, excluded.complained)
        returning 1
      )
      select (select count(*) from written)::int4 as n, (select id from page order by id offset $2 - 1 limit 1) as next`,
    values: [after, limit, daysAgo],
  })
  return { count: rows[0]?.n ?? 0, next: rows[0]?.next ?? null }
}
