import { column, rowArray } from '@lettergate/db/composite-rows'
import type { Queryable } from '@lettergate/db/pool'

/** An event of a connection of the shared pool, which names no tenant: by our id of its message, or by its provider's. */
export type PoolEventKey = {
  connectionId: string
  messageId: string | null
  providerMessageId: string | null
}

const keyArray = rowArray<PoolEventKey & { n: number }>('pool_event_key', [
  column('int4', (key) => key.n),
  column('uuid', (key) => key.connectionId),
  column('uuid', (key) => key.messageId),
  column('text', (key) => key.providerMessageId),
])

/** Whose messages these events are about, in order; null where the connection is not known to have carried one. */
export async function findPoolMessages(
  db: Queryable,
  keys: readonly PoolEventKey[],
): Promise<({ tenantId: string; messageId: string } | null)[]> {
  if (keys.length === 0) return []
  const { rows } = await db.query<{ n: number; tenantId: string; messageId: string }>({
    name: 'find-pool-messages',
    text: `
      select k.n, m.tenant_id as "tenantId", m.message_id as "messageId" from unnest($1::pool_event_key[]) k
      cross join lateral (
        (select tenant_id, message_id from pool_message m
         where m.message_id = k.message_id and m.connection_id = k.connection_id)
        union all
        (select tenant_id, message_id from pool_message m
         where k.message_id is null and m.provider_message_id = k.provider_message_id and m.connection_id = k.connection_id
         limit 1)
      ) m`,
    values: [
      await keyArray(
        db,
        keys.map((key, n) => ({ ...key, n })),
      ),
    ],
  })
  const found = new Map(rows.map(({ n, ...message }) => [n, message]))
  return keys.map((_, n) => found.get(n) ?? null)
}
