import type { Queryable } from '@lettergate/db/pool'
import { idRange } from '../../lib/index.ts'

export type FeedDetails = {
  at: Date
  /** Null: an event of the message as a whole. */
  address: string | null
  data: { attempt?: number; reason?: string } | null
}

/**
 * Time, recipient and data of these events, in order; null where the message is gone. Acceptance has no row in `event`: its time is the
 * message's.
 */
export async function loadFeedEvents(
  db: Queryable,
  tenantId: string,
  keys: readonly { messageId: string; seq: number }[],
): Promise<(FeedDetails | null)[]> {
  if (keys.length === 0) return []
  const ids = keys.map(({ messageId }) => messageId)
  const { rows } = await db.query<{ at: Date | null } & Omit<FeedDetails, 'at'>>({
    name: 'load-feed-events',
    text: `
      select coalesce(e.at, m.created_at) as at, r.address, e.data
      from unnest($2::uuid[], $3::int8[]) with ordinality as k (message_id, seq, place)
      left join lateral (
        select m.created_at from message m
        where m.tenant_id = $1 and m.id = k.message_id and m.id between $4 and $5 limit 1
      ) m on true
      left join lateral (
        select e.at, e.data, e.position from event e
        where e.tenant_id = $1 and e.message_id = k.message_id and e.seq = k.seq and e.message_id between $4 and $5 limit 1
      ) e on true
      left join lateral (
        select r.address from recipient r
        where r.tenant_id = $1 and r.message_id = k.message_id and r.position = e.position and r.message_id between $4 and $5 limit 1
      ) r on true
      order by k.place`,
    values: [tenantId, ids, keys.map(({ seq }) => seq), ...idRange(ids)],
  })
  return rows.map(({ at, ...rest }) => at && { at, ...rest })
}
