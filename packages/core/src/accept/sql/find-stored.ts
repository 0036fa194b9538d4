import type { Queryable } from '@lettergate/db/pool'
import { idRange } from '../../lib/index.ts'

/** A message that was stored, as the statement that stored it answered. `suppressed`: positions of its recipients. */
export type FoundMessage = { createdAt: Date; suppressed: number[]; isHeld: boolean }

/** What is stored of these messages, in order; null: it is not, or not yet. */
export async function findStored(
  db: Queryable,
  messages: { tenantId: string; id: string }[],
): Promise<(FoundMessage | null)[]> {
  const ids = messages.map(({ id }) => id)
  const { rows } = await db.query<FoundMessage | { createdAt: null }>({
    name: 'find-stored',
    text: `
      select m.created_at as "createdAt", r.*
      from unnest($1::uuid[], $2::uuid[]) with ordinality as k(tenant_id, id, position)
      left join lateral (
        select created_at from message where tenant_id = k.tenant_id and id = k.id and id between $3 and $4 offset 0
      ) m on true
      cross join lateral (
        select coalesce(json_agg(position order by position) filter (where status = 'suppressed'), '[]') as suppressed,
               coalesce(bool_or(status = 'held'), false) as "isHeld"
        from recipient where tenant_id = k.tenant_id and message_id = k.id and message_id between $3 and $4
      ) r
      order by k.position`,
    values: [messages.map(({ tenantId }) => tenantId), ids, ...idRange(ids)],
  })
  return rows.map((row) => (row.createdAt === null ? null : row))
}
