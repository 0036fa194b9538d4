import type { Queryable } from '@lettergate/db/pool'
import { appendEvents, isPending, NOTIFY_FEED } from '../../lib/index.ts'
import { LOST_WORKERS_MAX } from '../../lost-workers/index.ts'

export const HELD_REASON = 'held by you: release it to send it'

/** Why nothing was done: it is being sent, it is held already, workers were lost over it, or nothing is left to do for it. */
export type NotHeld = 'sending' | 'held' | 'set-aside' | 'ended'

/**
 * Holds a message until a person releases it, unless it is being sent. The lock on the outbox row decides against a worker, as in
 * `cancelMessage`. The far due time keeps it from being promoted; its content document no longer matches its recipients (`accepted_at`). One
 * that was set aside after lost workers is held already, and goes on by a retry alone.
 */
export async function holdMessage(
  db: Queryable,
  message: { tenantId: string; id: string },
): Promise<NotHeld | null> {
  const { rows } = await db.query<{ refused: NotHeld | null }>({
    name: 'hold-message',
    text: `
      with target as materialized (
        select message_id, case when state = 'sending' then 'sending' when held_at is not null then 'held'
                                when lost_workers >= $4::int4 then 'set-aside' end as refused
        from outbox where tenant_id = $1 and message_id = $2 for update
      ), held as (
        update outbox o
        set state = 'waiting', due_at = now() + interval '100 years', held_at = now(), lease_until = null, accepted_at = null,
            wait_for = null, wait_why = null, wait_version = null
        from target t where o.message_id = t.message_id and t.refused is null
        returning o.message_id
      ), stopped as (
        update recipient r set status = 'held', reason = $3, updated_at = now()
        from held where r.tenant_id = $1 and r.message_id = $2 and ${isPending('r.status')}
        returning r.position
      ), ${appendEvents(`
        select m.tenant_id, m.id as message_id, s.position, 'recipient.held' as type, json_build_object('reason', $3::text) as data,
               m.mode, m.stream = 'bulk' as is_bulk, null::uuid as connection_id
        from stopped s join message m on m.tenant_id = $1 and m.id = $2 order by s.position`)}
      select case when not exists (select from target) then 'ended' else (select refused from target) end as refused,
             (select pg_notify('lg_message', message_id::text) from held) as notified,
             ${NOTIFY_FEED} as feed_notified`,
    values: [message.tenantId, message.id, HELD_REASON, LOST_WORKERS_MAX],
  })
  return rows[0]?.refused ?? null
}
