import type { Queryable } from '@lettergate/db/pool'
import { mayBeTaken } from '../../usage/index.ts'

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
        join recipient r on r.tenant_id = $1 and r.message_id = $2 and r.status in ('scheduled', 'queued', 'deferred', 'held')
      ), stopped as (
        update recipient r
        set status = case when d.may_be_taken then 'unknown' else 'cancelled' end,
            reason = case when d.may_be_taken then 'cancelled after a try that may have been taken' end, updated_at = now()
        from pending d
        where r.tenant_id = $1 and r.message_id = $2 and r.position = d.position
          and r.status in ('scheduled', 'queued', 'deferred', 'held')
        returning r.position, r.status, r.reason
      ), told as (
        insert into event (tenant_id, message_id, position, type, data)
        select $1, $2, position, 'recipient.' || status, case when reason is not null then json_build_object('reason', reason) end
        from stopped order by position
      ), given_back as (
        update usage u set accepted = u.accepted - c.n
        from (select count(*)::int4 as n from stopped where status = 'cancelled') c, message m
        where m.tenant_id = $1 and m.id = $2 and c.n > 0
          and u.tenant_id = $1 and u.day = m.usage_day and u.mode = m.mode
      )
      select (select state from target) as state,
             (select pg_notify('lg_message', message_id::text) from removed) as notified`,
    values: [message.tenantId, message.id],
  })
  return { state: rows[0]?.state ?? null }
}
