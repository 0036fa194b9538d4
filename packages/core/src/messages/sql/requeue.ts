import type { Queryable } from '@lettergate/db/pool'
import { appendEvents, NOTIFY_FEED } from '../../lib/index.ts'
import { WORKER_LOST } from '../../lost-workers/index.ts'

/**
 * Puts recipients back into the queue and makes the message due now. Its attempts go on counting where they
 * stopped; a claim draws an epoch that was never used, so a worker of the past cannot take part.
 * A message with a lost worker is sent by a process of its own again, so that it harms no other message.
 */
export async function requeue(
  client: Queryable,
  message: { tenantId: string; id: string },
  positions: readonly number[],
): Promise<void> {
  await client.query({
    name: 'requeue',
    text: `
      with queued as (
        update recipient set status = 'queued', reason = null, updated_at = now()
        where tenant_id = $1 and message_id = $2 and position = any ($3::int2[])
        returning position
      ), ${appendEvents(`
        select m.tenant_id, m.id as message_id, q.position, 'recipient.retried' as type, null::json as data,
               m.mode, m.stream = 'bulk' as is_bulk, null::uuid as connection_id
        from queued q join message m on m.tenant_id = $1 and m.id = $2 order by q.position`)}, due as (
        insert into outbox (message_id, tenant_id, mode, state, attempts, content_bytes, is_bulk, lost_workers)
        select m.id, m.tenant_id, m.mode, 'ready',
               coalesce((select max(number) from attempt a where a.tenant_id = $1 and a.message_id = $2), 0), m.content_bytes,
               m.stream = 'bulk',
               exists (select from attempt a where a.tenant_id = $1 and a.message_id = $2 and a.reason = $4)::int4
        from message m where m.tenant_id = $1 and m.id = $2
        on conflict (message_id) do update
          set state = 'ready', due_at = now(), first_due_at = now(), throttled_ms = 0, lease_until = null, sending_at = null,
              accepted_at = null, wait_for = null, wait_why = null, wait_version = null, held_at = null,
              lost_workers = least(outbox.lost_workers, 1)
          where outbox.state = 'waiting'
      )
      select pg_notify('lg_message', $2::text), pg_notify('lg_outbox', ''), ${NOTIFY_FEED}`,
    values: [message.tenantId, message.id, positions, WORKER_LOST],
  })
}
