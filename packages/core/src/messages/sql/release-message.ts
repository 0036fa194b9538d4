import type { Queryable } from '@lettergate/db/pool'
import { appendEvents, NOTIFY_FEED } from '../../lib/index.ts'

/**
 * Releases a message that a person holds: due now, or at its `send_at` if that is still to come. The time for which it was held does not count
 * towards the retry limit. False: nobody holds it.
 */
export async function releaseMessage(
  db: Queryable,
  message: { tenantId: string; id: string },
): Promise<boolean> {
  const { rows } = await db.query<{ released: boolean }>({
    name: 'release-message',
    text: `
      with target as materialized (
        select message_id, held_at from outbox
        where tenant_id = $1 and message_id = $2 and held_at is not null and state = 'waiting' for update
      ), place as materialized (
        select t.message_id, t.held_at, m.mode, m.stream, m.send_at, coalesce(m.send_at > now(), false) as is_scheduled
        from target t join message m on m.tenant_id = $1 and m.id = $2
      ), freed as (
        update outbox o
        set state = case when p.is_scheduled then 'waiting' else 'ready' end, due_at = greatest(now(), p.send_at), held_at = null,
            throttled_ms = o.throttled_ms
              + greatest(0, extract(epoch from now() - greatest(p.held_at, o.first_due_at)) * 1000)
        from place p where o.message_id = p.message_id
        returning o.message_id
      ), resumed as (
        update recipient r
        set status = case when p.is_scheduled then 'scheduled' else 'queued' end, reason = null, updated_at = now()
        from place p where r.tenant_id = $1 and r.message_id = $2 and r.status = 'held'
        returning r.position
      ), ${appendEvents(`
        select $1::uuid as tenant_id, $2::uuid as message_id, r.position, 'recipient.released' as type, null::json as data,
               p.mode, p.stream = 'bulk' as is_bulk, null::uuid as connection_id
        from resumed r cross join place p order by r.position`)}
      select exists (select from freed) as released,
             (select pg_notify('lg_message', message_id::text) from freed) as notified,
             (select pg_notify('lg_outbox', $1::text) from freed) as woken,
             ${NOTIFY_FEED} as feed_notified`,
    values: [message.tenantId, message.id],
  })
  return rows[0]?.released ?? false
}
