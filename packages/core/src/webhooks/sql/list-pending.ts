import type { Queryable } from '@lettergate/db/pool'
import type { PlacedTry, TryFilter } from './list-tries.ts'

/**
 * The last attempt at each event that an endpoint will be called with again, the newest event first; their place is the id of the delivery.
 * Found by what waits, since few of the attempts of 30 days do.
 */
export async function listPending(
  db: Queryable,
  tenantId: string,
  { endpointId, since, after, limit }: TryFilter,
): Promise<PlacedTry[]> {
  const { rows } = await db.query<PlacedTry>({
    name: 'list-pending-deliveries',
    text: `
      select t.message_id as "messageId", t.seq, t.type, t.at, t.number, t.status, t.ms, t.error, t.answer, d.due_at as "nextAt",
             d.id::text as place
      from delivery d
      cross join lateral (
        select * from delivery_try t
        where t.tenant_id = $1 and t.endpoint_id = $2 and t.seq = d.seq and t.number = d.attempts
          and t.message_id is not distinct from d.message_id
        order by t.at desc limit 1
      ) t
      where d.tenant_id = $1 and d.endpoint_id = $2
        and ($3::timestamptz is null or t.at >= $3)
        and ($4::uuid is null or (d.seq, d.id) < ($5::int8, $4::uuid))
      order by d.seq desc, d.id desc limit $6`,
    values: [tenantId, endpointId, since, after?.[0] ?? null, after?.[1] ?? null, limit],
  })
  return rows
}
