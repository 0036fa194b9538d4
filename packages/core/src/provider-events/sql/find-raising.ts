import type { Queryable } from '@lettergate/db/pool'
import { idRange } from '../../lib/index.ts'
import { type EventItem, type EventKey, itemArray } from './event-items.ts'

/** The events that say more of a recipient than is known, or may end an attempt with unknown outcome. A status only rises, so the others never will. */
export async function findRaising(db: Queryable, items: readonly EventItem[]): Promise<EventKey[]> {
  const { rows } = await db.query<EventKey>({
    name: 'find-raising-events',
    text: `
      select i.message_id as "messageId", i.source::float8 as source from unnest($1::provider_event_item[]) i
      where i.resolves = 1 or exists (
        select from recipient p
        where p.tenant_id = i.tenant_id and p.message_id = i.message_id and p.position = i.position and p.message_id between $2 and $3
          and status_rank(i.status) > status_rank(p.status))`,
    values: [await itemArray(db, items), ...idRange(items.map(({ messageId }) => messageId))],
  })
  return rows
}
