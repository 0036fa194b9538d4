import type { EventData } from '@lettergate/contracts/messages/event-data'
import type { Queryable } from '@lettergate/db/pool'
import { idRange } from '../../lib/index.ts'

export type FeedDetails = {
  at: Date
  /** Null: an event of the message as a whole, or of the account. */
  address: string | null
  data: EventData | null
  /** Of the message; empty for an event of the account. */
  tags: string[]
  metadata: Record<string, string>
  /** The URL of the message's own, which gets its events too. */
  callbackUrl: string | null
}

type Found = { [K in keyof FeedDetails]: FeedDetails[K] | null }

/**
 * Time, recipient, data and message of these events, in order; null where they are gone. Acceptance has no row in `event`: its time is the
 * message's.
 */
export async function loadFeedEvents(
  db: Queryable,
  tenantId: string,
  keys: readonly { messageId: string | null; seq: number }[],
): Promise<(FeedDetails | null)[]> {
  if (keys.length === 0) return []
  const ids = keys.flatMap(({ messageId }) => messageId ?? [])
  const { rows } = await db.query<Found>({
    name: 'load-feed-events',
    text: `
      select coalesce(e.at, m.created_at, a.at) as at, r.address, coalesce(e.data, a.data) as data, m.tags, m.metadata, m.callback_url as "callbackUrl"
      from unnest($2::uuid[], $3::int8[]) with ordinality as k (message_id, seq, place)
      left join lateral (
        select m.created_at, to_json(m.tags) as tags, m.metadata, m.callback_url from message m
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
      left join lateral (
        select a.at, a.data from account_event a
        where k.message_id is null and a.tenant_id = $1 and a.seq = k.seq limit 1
      ) a on true
      order by k.place`,
    values: [
      tenantId,
      keys.map(({ messageId }) => messageId),
      keys.map(({ seq }) => seq),
      ...(ids.length > 0 ? idRange(ids) : [null, null]),
    ],
  })
  return rows.map(
    ({ at, address, data, tags, metadata, callbackUrl }) =>
      at && { at, address, data, tags: tags ?? [], metadata: metadata ?? {}, callbackUrl },
  )
}
