import { column, rowArray } from '@lettergate/db/composite-rows'
import { joinId } from '../../lib/index.ts'

/** What the record has to do with the shared pool. */
export type PoolPart = {
  /** A connection of the pool made the attempt. */
  byPool: boolean
  /** The message is held because of the pool; a share of an earlier day is given back. */
  holds: boolean
}

/**
 * Parts of the statement that records outcomes, for mail that the shared pool carried or that is counted on it.
 * 1. The messages are locked, after all rows of the backlog (docs/decisions/0025): a share that is given back is read under the lock.
 * 2. `pool_change`: recipients that a connection of the tenant's own sent leave the pool of the day that they were counted on (`off_pool`).
 *    Each gets such a status once, so it is given back once. A message that is held, and was counted on an earlier day, leaves that day as a
 *    whole, and queues again.
 * 3. `handed`, `carried`: what the pool sent, for the rule against abuse and for the events of its providers.
 */
type Part = PoolPart & { messageId: string; tenantId: string }

export const partArray = rowArray<Part>('pool_part', [
  column('uuid', (part) => part.tenantId),
  column('uuid', (part) => part.messageId),
  column('int2', (part) => (part.byPool ? 1 : 0)),
  column('int2', (part) => (part.holds ? 1 : 0)),
])

export const PLAIN_RESULT = `result as materialized (
  select * from unnest($1::claim_outcome[])
)`

const BACKLOG = `backlog as materialized (
  select from outbox where message_id in (select message_id from unnest($1::claim_outcome[])) order by message_id for update
)`

/** Of outcomes some of which end their message: rows to delete and rows to change are locked in one order, before both. */
export const MIXED_RESULT = `${BACKLOG}, result as materialized (
  select * from unnest($1::claim_outcome[]) where (select count(*) from backlog) >= 0
)`

export const POOLED_RESULT = `${BACKLOG}, pooled as materialized (
  select p.*, m.pool_day, m.pool_n from unnest($5::pool_part[]) p cross join lateral (
    select m.pool_day, m.pool_n from message m
    where m.tenant_id = p.tenant_id and ${joinId('m.id', 'p.message_id')} and m.id between $3 and $4
    for no key update
  ) m
  where (select count(*) from backlog) >= 0
), result as materialized (
  select * from unnest($1::claim_outcome[]) where (select count(*) from pooled) >= 0
)`

/** To wait for the pool takes nothing from the time for retries. */
export const HOLDS_LONGER = `,
                      throttled_ms = o.throttled_ms + case when (r.message_id in (select message_id from pooled where holds = 1)) is true
                                                           then coalesce(r.retry_in_ms, 0) else 0 end`

const TODAY = `(now() at time zone 'utc')::date`

export const POOL_PARTS = `pool_change as materialized (
  select p.tenant_id, p.message_id, p.pool_day, p.pool_n, p.by_pool,
         count(*) filter (where c.status = 'sent')::int4 as sent,
         count(*) filter (where c.no_mailbox is not null)::int4 as no_mailbox,
         bool_or(p.holds = 1 and p.pool_day < ${TODAY} and c.status = 'held') as leaves_day
  from pooled p
  join change c on c.tenant_id = p.tenant_id and c.message_id = p.message_id
  join changed g on g.message_id = c.message_id and g.position = c.position
  group by 1, 2, 3, 4, 5
), left_day as (
  update message m set pool_day = null, pool_n = null
  from pool_change p
  where p.leaves_day and p.pool_n > 0 and m.tenant_id = p.tenant_id and ${joinId('m.id', 'p.message_id')} and m.id between $3 and $4
  returning m.tenant_id, m.mode, p.pool_day as day, p.pool_n::int4 as n
), handed as (
  insert into reputation_hour as h (tenant_id, hour, handed, bounced_hard, unseen)
  select p.tenant_id, date_trunc('hour', now()), sum(p.sent + p.no_mailbox), sum(p.no_mailbox), sum(p.no_mailbox)
  from pool_change p
  where p.by_pool = 1 and p.sent + p.no_mailbox > 0
  group by 1, 2 order by 1, 2
  on conflict (tenant_id, hour) do update
    set handed = h.handed + excluded.handed, bounced_hard = h.bounced_hard + excluded.bounced_hard, unseen = h.unseen + excluded.unseen
), carried as (
  insert into pool_message (tenant_id, message_id, connection_id, provider_message_id)
  select p.tenant_id, p.message_id, r.connection_id, r.provider_message_id
  from pooled p join result r using (message_id)
  where p.by_pool = 1 and r.connection_id is not null and r.outcome in ('accepted', 'unknown')
  order by p.message_id
  on conflict (message_id, connection_id) do update
    set provider_message_id = coalesce(excluded.provider_message_id, pool_message.provider_message_id)
), `

export const PLAIN_REFUNDS = `
  select tenant_id, message_id, give_back as n, 0 as off_pool from owned where give_back > 0`

export const POOLED_REFUNDS = `
  select * from (
    select r.tenant_id, r.message_id, coalesce(o.give_back, 0) as n,
           case when p.pool_n is null then 0
                when p.by_pool = 0 then least(p.sent, p.pool_n) else 0 end as off_pool
    from result r
    left join owned o using (message_id)
    left join pool_change p using (message_id)
  ) b
  where n > 0 or off_pool > 0`

/** Messages that are held, and were counted on an earlier day. */
export const POOL_DAYS_LEFT = `select tenant_id, mode, day, 0, n from left_day`
