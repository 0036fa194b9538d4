import { joinId } from '../../lib/index.ts'

/**
 * Gives recipients that will not be sent back to the quota: the CTEs of a statement that does so. `rows` is a select of
 * `tenant_id, message_id, n, off_pool`, one row a message: `n` recipients leave the day and its month, and the pool if they count there;
 * `off_pool` more leave the pool alone, because an own connection took them. `from` and `to` bound the ids. `ids` is an array that contains
 * them, for a statement about one tenant: without it Postgres reads all messages of the tenant between the two. Every recipient of a message on
 * the pool that is not sent yet counts there. Usage rows are locked in the order of their key, with the later ones of the month, whose sums
 * change too, so that statements which meet take turns.
 */
export function refundUsage(
  rows: string,
  { from, to, ids }: { from: string; to: string; ids?: string },
  /** A select of `tenant_id, mode, day, n, pool`: what leaves days beside it. */
  beside?: string,
): string {
  return `returned as (
    update message m set returned = m.returned + b.n, pool_n = m.pool_n - b.n - b.off_pool
    from (${rows}) b
    where m.tenant_id = b.tenant_id and ${joinId('m.id', 'b.message_id')} and m.id between ${from} and ${to}${
      ids
        ? `
      and m.id = any (${ids})`
        : ''
    }
    returning m.tenant_id, m.mode, m.usage_day, m.pool_day, b.n, b.off_pool
  ), refund as materialized (
    select tenant_id, mode, day, sum(n)::int4 as n, sum(pool)::int4 as pool from (
      select tenant_id, mode, usage_day as day, n, 0 as pool from returned
      union all
      select tenant_id, mode, pool_day, 0, n + off_pool from returned where pool_day is not null${
        beside
          ? `
      union all ${beside}`
          : ''
      }
    ) d group by 1, 2, 3
  ), refund_lock as materialized (
    select u.tenant_id, u.mode, u.day, r.n, r.pool
    from (select tenant_id, mode, min(day) as day from refund where n > 0 or pool > 0 group by 1, 2) f
    join usage u on u.tenant_id = f.tenant_id and u.mode = f.mode and u.day >= f.day
    left join refund r on r.tenant_id = u.tenant_id and r.mode = u.mode and r.day = u.day
    order by u.tenant_id, u.mode, u.day
    for no key update of u
  ), refunded as (
    update usage u set accepted = u.accepted - r.n, pool = u.pool - r.pool
    from refund_lock r
    where u.tenant_id = r.tenant_id and u.day = r.day and u.mode = r.mode and r.n is not null
  )`
}
