import type { EventData } from '@lettergate/contracts/messages/event-data'
import type { Queryable } from '@lettergate/db/pool'

export type EventRow = {
  seq: number
  type: string
  at: Date
  data: EventData | null
  /** Null: the message as a whole. */
  address: string | null
}

/**
 * Reads the events of a message after a sequence number (-1: from the first), in order. Acceptance, always the first, is derived from the
 * message's row: an event row would raise the cost of accepting by an eighth.
 */
export async function readEvents(
  db: Queryable,
  message: { tenantId: string; id: string },
  page: { after: number; limit: number },
): Promise<EventRow[]> {
  const { rows } = await db.query<EventRow>({
    name: 'read-events',
    text: `
      select 0::int8 as seq, 'message.accepted' as type, created_at as at, null::json as data, null as address
      from message where tenant_id = $1 and id = $2 and $3::int8 < 0
      union all (
        select e.seq, e.type, e.at, e.data, r.address
        from event e
        left join recipient r on r.tenant_id = $1 and r.message_id = $2 and r.position = e.position
        where e.tenant_id = $1 and e.message_id = $2 and e.seq > $3 and e.type <> 'message.accepted'
        order by e.seq limit $4)
      order by seq limit $4`,
    values: [message.tenantId, message.id, page.after, page.limit],
  })
  return rows
}
