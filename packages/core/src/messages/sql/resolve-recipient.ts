import type { EventType } from '@lettergate/contracts/messages/event-types'
import type { RecipientStatus } from '@lettergate/contracts/messages/recipient-status'
import type { Queryable } from '@lettergate/db/pool'
import { appendEvents } from '../../lib/index.ts'
import { refundUsage } from '../../usage/index.ts'

export type Resolution = { status: RecipientStatus; event: EventType; reason: string }

/**
 * Gives a recipient whose outcome is unknown this status; answers the status that it had before, or null if the message has no such
 * recipient. One that becomes failed is refunded, as every failed one is: a retry counts it again. Its attempt stays unknown, because nobody
 * saw its answer. Rows are locked in the order of docs/decisions/0025, since the same message may be retried meanwhile.
 */
export async function resolveRecipient(
  db: Queryable,
  message: { tenantId: string; id: string },
  address: string,
  { status, event, reason }: Resolution,
): Promise<string | null> {
  const { rows } = await db.query<{ before: string | null }>({
    name: 'resolve-recipient',
    text: `
      with backlog as materialized (
        select from outbox where tenant_id = $1 and message_id = $2 for update
      ), mail as materialized (
        select from message where tenant_id = $1 and id = $2 and (select count(*) from backlog) >= 0 for no key update
      ), target as materialized (
        select r.position, r.status from (
          select position from recipient where tenant_id = $1 and message_id = $2 and lower(address) = lower($3)
          order by address <> $3, status <> 'unknown', position limit 1
        ) named join recipient r on r.tenant_id = $1 and r.message_id = $2 and r.position = named.position
        where (select count(*) from mail) > 0
        for update of r
      ), resolved as (
        update recipient r set status = $4, reason = case when $4 = 'failed' then $6 end, updated_at = now()
        from target t
        where r.tenant_id = $1 and r.message_id = $2 and r.position = t.position and t.status = 'unknown'
        returning r.position, r.status
      ), ${appendEvents(`
        select m.tenant_id, m.id as message_id, s.position, $5::text as type, json_build_object('reason', $6::text) as data,
               m.mode, m.stream = 'bulk' as is_bulk, null::uuid as connection_id
        from resolved s join message m on m.tenant_id = $1 and m.id = $2`)}, ${refundUsage(
        `
        select $1::uuid as tenant_id, $2::uuid as message_id, 1 as n, 0 as off_pool
        from resolved s where s.status = 'failed'`,
        { from: '$2', to: '$2' },
      )}
      select (select status from target) as before,
             (select pg_notify('lg_message', $2::text) from resolved), (select pg_notify('lg_feed', $1::text) from resolved)`,
    values: [message.tenantId, message.id, address, status, event, reason],
  })
  return rows[0]?.before ?? null
}
