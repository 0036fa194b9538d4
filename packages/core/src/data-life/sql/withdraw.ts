import type { Queryable } from '@lettergate/db/pool'
import { appendEvents, isPending, NOTIFY_FEED } from '../../lib/index.ts'
import { mayBeTaken, refundUsage } from '../../usage/index.ts'

/**
 * Cancels what of a message still waits: its recipients with this address, or all (null). As `cancelMessage`, but a message that still goes to
 * others stays in the backlog: a worker that has it is fenced off by a new epoch, and the next one reads the recipients from their table.
 * A message that is being sent now is left alone.
 */
export async function withdraw(
  db: Queryable,
  message: { tenantId: string; id: string; address: string | null },
): Promise<void> {
  await db.query({
    name: 'withdraw-recipients',
    text: `
      with target as materialized (
        select message_id, state from outbox where tenant_id = $1 and message_id = $2 and state <> 'sending' for update
      ), pending as materialized (
        select r.position, ($3::text is null or lower(r.address collate "C") = $3) as is_meant,
               ${mayBeTaken({ tenantId: '$1', messageId: '$2', position: 'r.position' })} as may_be_taken
        from target
        join recipient r on r.tenant_id = $1 and r.message_id = $2 and ${isPending('r.status')}
      ), rest as (
        select count(*) as n from pending where not is_meant
      ), gone as (
        delete from outbox o using target t where o.message_id = t.message_id and (select n from rest) = 0
      ), fenced as (
        update outbox o
        set state = case when t.state = 'waiting' then 'waiting' else 'ready' end, epoch = nextval('claim_epoch'), lease_until = null,
            accepted_at = null
        from target t where o.message_id = t.message_id and (select n from rest) > 0
      ), stopped as (
        update recipient r
        set status = case when d.may_be_taken then 'unknown' else 'cancelled' end, reason = 'the address was erased', updated_at = now()
        from pending d
        where d.is_meant and r.tenant_id = $1 and r.message_id = $2 and r.position = d.position and ${isPending('r.status')}
        returning r.position, r.status, r.reason
      ), ${appendEvents(`
        select m.tenant_id, m.id as message_id, s.position, 'recipient.' || s.status as type, json_build_object('reason', s.reason) as data,
               m.mode, m.stream = 'bulk' as is_bulk, null::uuid as connection_id
        from stopped s join message m on m.tenant_id = $1 and m.id = $2 order by s.position`)}, ${refundUsage(
        `
        select $1::uuid as tenant_id, $2::uuid as message_id, count(*)::int4 as n, 0 as off_pool
        from stopped where status = 'cancelled' having count(*) > 0`,
        { from: '$2', to: '$2' },
      )}
      select (select pg_notify('lg_message', message_id::text) from target) as notified, ${NOTIFY_FEED} as feed_notified`,
    values: [message.tenantId, message.id, message.address],
  })
}
