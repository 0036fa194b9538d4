import type { Queryable } from '@lettergate/db/pool'
import { RETRIES_END } from '../../deliver/index.ts'
import { claimKeyArray } from '../../dispatch/index.ts'
import { appendEvents, idRange, isPending, joinId, NOTIFY_FEED } from '../../lib/index.ts'
import { LOST_WORKERS_MAX, type LostWorkers, NONE_LOST, SET_ASIDE_REASON } from './lost-workers.ts'

export type LostClaim = {
  tenantId: string
  messageId: string
  epoch: number
  /** A worker had begun it; false: not begun, so it is released and nothing counts. */
  inHand: boolean
}

/**
 * Counts a lost worker for each message that it had begun.
 * 1. `claimed` releases expired claims; `recorded` takes attempts already recorded as lost that will be repeated.
 * 2. Concurrent sweepers count a loss once: a claim is released once, and the token of a fence is removed.
 * 3. A message with too many losses is held until its user decides or the tenant's retry limit ends. Its content document no longer matches
 *    its recipients, so `accepted_at` is cleared.
 */
export async function raiseLostWorkers(
  db: Queryable,
  claims: readonly LostClaim[],
  state: 'claimed' | 'recorded',
): Promise<LostWorkers> {
  if (claims.length === 0) return NONE_LOST
  const keysOf = (inHand: boolean) =>
    claimKeyArray(
      db,
      claims.filter((claim) => claim.inHand === inHand),
    )
  const { rows } = await db.query<LostWorkers>({
    name: 'raise-lost-workers',
    text: `
      with lost as materialized (
        select o.message_id, k.n, ${RETRIES_END} as retries_end, o.lost_workers + k.n >= $1::int4 and k.n > 0 as is_aside
        from (select tenant_id, message_id, epoch, 1 as n from unnest($3::claim_key[])
              union all select tenant_id, message_id, epoch, 0 from unnest($4::claim_key[])) k
        join outbox o on o.message_id = k.message_id and o.epoch = k.epoch and o.tenant_id = k.tenant_id
        join tenant t on t.id = o.tenant_id
        where case when $5::text = 'claimed' then o.state = 'claimed'
                   else o.state in ('waiting', 'ready') and o.fence_token is not null end
        order by o.message_id for update of o
      ), raised as (
        update outbox o
        set lost_workers = o.lost_workers + l.n, lease_until = null, fence_token = null,
            state = case when l.is_aside then 'waiting' when o.state = 'claimed' then 'ready' else o.state end,
            due_at = case when l.is_aside then greatest(now() + interval '1 hour', l.retries_end)
                          else o.due_at end,
            accepted_at = case when l.is_aside then null else o.accepted_at end,
            wait_version = case when l.is_aside then null else o.wait_version end
        from lost l where o.message_id = l.message_id
        returning o.message_id, o.tenant_id, o.mode, o.is_bulk, l.n, l.is_aside
      ), held as (
        update recipient r set status = 'held', reason = $2, updated_at = now()
        from raised a
        where a.is_aside and r.tenant_id = a.tenant_id and ${joinId('r.message_id', 'a.message_id')} and r.message_id between $6 and $7
          and ${isPending('r.status')}
        returning r.tenant_id, r.message_id, r.position, a.mode, a.is_bulk
      ), ${appendEvents(`
        select tenant_id, message_id, position, 'recipient.held' as type, json_build_object('reason', $2) as data,
               mode, is_bulk, null::uuid as connection_id
        from held order by message_id, position`)}
      select count(*)::int4 as released, (count(*) filter (where n > 0))::int4 as suspected,
             (count(*) filter (where is_aside))::int4 as aside,
             (select pg_notify('lg_message', string_agg(message_id::text, ',')) from raised where is_aside
              having count(*) > 0) as notified,
             ${NOTIFY_FEED} as feed_notified
      from raised`,
    values: [
      LOST_WORKERS_MAX,
      SET_ASIDE_REASON,
      await keysOf(true),
      await keysOf(false),
      state,
      ...idRange(claims.map(({ messageId }) => messageId)),
    ],
  })
  return rows[0] ?? NONE_LOST
}
