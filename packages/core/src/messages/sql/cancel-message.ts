import type { Queryable } from '@lettergate/db/pool'
import { appendEvents, isPending, NOTIFY_FEED } from '../../lib/index.ts'
import { mayBeTaken, refundUsage } from '../../usage/index.ts'

/**
 * Removes a message from the backlog unless it is being sent. The lock on the outbox row decides against a worker: the first one wins, and a
 * worker that comes second finds no row to fence. Answers the former state of the row; null or 'sending': nothing was done.
 * A recipient that any attempt may have reached becomes `unknown` and stays counted, even if it was retried since.
 */
export async function cancelMessage(
  db: Queryable,
  message: { tenantId: string; id: string },
): Promise<{ state: string | null }> {
  const { rows } = await db.query<{ state: string | null }>({
    name: 'cancel-message',
    text: `
      with target as materialized (
        select message_id, state from outbox where tenant_id = $1 and message_id = $2 for update
      ), removed as (
        delete from outbox o using target t where o.message_id = t.message_id and t.state <> 'sending'
        returning o.message_id
      ), pending as materialized (
        select r.position, ${mayBeTaken({ tenantId: '$1', messageId: '$2', position: 'r.position' })} as may_be_taken
        from removed
        join recipient r on r.tenant_id = $1 and r.message_id = $2 and ${isPending('r.status')}
      ), stopped as (
        update recipient r
        set status = case when d.may_be_taken then 'unknown' else 'cancelled' end,
            reason = case when d.may_be_taken then 'cancelled after an attempt that may have been accepted' end, updated_at = now()
        from pending d
        where r.tenant_id = $1 and r.message_id = $2 and r.position = d.position
          and ${isPending('r.status')}
        returning r.position, r.status, r.reason
      ), ${appendEvents(`
        select m.tenant_id, m.id as message_id, s.position, 'recipient.' || s.status as type,
               case when s.reason is not null then json_build_object('reason', s.reason) end as data,
               m.mode, m.stream = 'bulk' as is_bulk, null::uuid as connection_id
        from stopped s join message m on m.tenant_id = $1 and m.id = $2 order by s.position`)}, ${refundUsage(
        `
        select $1::uuid as tenant_id, $2::uuid as message_id, count(*)::int4 as n, 0 as off_pool
        from stopped where status = 'cancelled' having count(*) > 0`,
        { from: '$2', to: '$2' },
      )}
      select (select state from target) as state,
             (select pg_notify('lg_message', message_id::text) from removed) as notified,
             ${NOTIFY_FEED} as feed_notified`,
    values: [message.tenantId, message.id],
  })
  return { state: rows[0]?.state ?? null }
}
