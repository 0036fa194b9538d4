import type { Queryable } from '@lettergate/db/pool'
import { type MessageKey, messageKeyArray } from './message-keys.ts'

/**
 * Locks the rows of these messages in the backlog in the order of ids, so that no attempt begins or ends before the transaction ends. Answers
 * the state of each that is there. In a statement of its own: what is read afterwards is as it is under the lock, and joins of partitions
 * may choose among days (docs/decisions/0033).
 */
export async function lockBacklog(
  db: Queryable,
  keys: readonly MessageKey[],
): Promise<ReadonlyMap<string, string>> {
  const { rows } = await db.query<{ messageId: string; state: string }>({
    name: 'lock-backlog-of-events',
    text: `
      select o.message_id as "messageId", o.state from unnest($1::provider_event_message[]) k
      join outbox o on o.message_id = k.message_id and o.tenant_id = k.tenant_id
      order by o.message_id for no key update of o`,
    values: [await messageKeyArray(db, keys)],
  })
  return new Map(rows.map(({ messageId, state }) => [messageId, state]))
}
