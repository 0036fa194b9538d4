import type { Queryable } from '@lettergate/db/pool'
import { appendEvents, byDay, idRange, isPending, joinId, NOTIFY_FEED } from '../../lib/index.ts'
import { mayBeTaken, refundUsage } from '../../usage/index.ts'

/** Messages in one statement: it compares each with the recipients of all of them, of which a message may have many. */
const FAIL_MAX = 50

const MAY_BE_TAKEN = mayBeTaken({
  tenantId: '$1',
  messageId: 'r.message_id',
  position: 'r.position',
  range: { from: '$4', to: '$5' },
})

/**
 * Ends messages that wait: their recipients fail for this reason, and their quota is refunded. The lock on the outbox row decides
 * against a worker, as for `cancelMessage`: a message being sent is not touched. A recipient that any attempt may have reached becomes
 * `unknown` and stays counted. Answers how many messages ended; safe to run twice.
 */
export async function failPinned(
  db: Queryable,
  tenantId: string,
  ids: readonly string[],
  reason: string,
): Promise<number> {
  let ended = 0
  for (const ofDay of byDay(ids, (id) => id))
    for (let at = 0; at < ofDay.length; at += FAIL_MAX)
      ended += await failSome(db, tenantId, ofDay.slice(at, at + FAIL_MAX), reason)
  return ended
}

/** Rows are found by `any ($2)`: for a join alone, Postgres reads all that the tenant sent between these messages. */
async function failSome(
  db: Queryable,
  tenantId: string,
  ids: readonly string[],
  reason: string,
): Promise<number> {
  const { rows } = await db.query<{ ended: number }>({
    name: 'fail-pinned',
    text: `
      with target as materialized (
        select message_id from outbox
        where message_id = any ($2::uuid[]) and tenant_id = $1 and state <> 'sending'
        order by message_id for update
      ), removed as (
        delete from outbox o using target t where o.message_id = t.message_id
        returning o.message_id
      ), stopped as (
        update recipient r
        set (status, reason) = (
              select case when t.may_be_taken then 'unknown' else 'failed' end,
                     case when t.may_be_taken then $3 || ', after an attempt that may have been accepted' else $3 end
              from (select ${MAY_BE_TAKEN} as may_be_taken) t),
            updated_at = now()
        from removed d
        where r.tenant_id = $1 and ${joinId('r.message_id', 'd.message_id')} and r.message_id = any ($2::uuid[])
          and r.message_id between $4 and $5 and ${isPending('r.status')}
        returning r.message_id, r.position, r.status, r.reason
      ), mail as materialized (
        select tenant_id, id, mode, stream from message where tenant_id = $1 and id = any ($2::uuid[]) and id between $4 and $5
      ), ${appendEvents(`
        select m.tenant_id, s.message_id, s.position, 'recipient.' || s.status as type, json_build_object('reason', s.reason) as data,
               m.mode, m.stream = 'bulk' as is_bulk, null::uuid as connection_id
        from stopped s join mail m on m.id = s.message_id
        order by s.message_id, s.position`)}, ${refundUsage(
        `
        select $1::uuid as tenant_id, message_id, count(*)::int4 as n, 0 as off_pool
        from stopped where status = 'failed' group by message_id`,
        { from: '$4', to: '$5', ids: '$2::uuid[]' },
      )}
      select (select count(*) from removed)::int4 as ended,
             (select pg_notify('lg_message', string_agg(message_id::text, ',')) from removed having count(*) > 0),
             ${NOTIFY_FEED}`,
    values: [tenantId, ids, reason, ...idRange(ids)],
  })
  return rows[0]?.ended ?? 0
}
