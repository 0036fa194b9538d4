import type { Queryable } from '@lettergate/db/pool'
import { idRange } from '../../lib/index.ts'

/**
 * Takes the connection's name off messages that are not done, so that they are routed as any other; answers how many named it
 * until now. Run it in a transaction: once the name is gone from the message, the backlog must say that its document,
 * which names it too, is not to be believed (`accepted_at`).
 */
export async function unpin(
  db: Queryable,
  tenantId: string,
  connectionId: string,
  ids: readonly string[],
): Promise<number> {
  if (ids.length === 0) return 0
  const range = idRange(ids)
  await db.query({
    name: 'unpin-lock-outbox',
    text: `
      select from outbox where message_id = any ($2::uuid[]) and tenant_id = $1
      order by message_id for no key update`,
    values: [tenantId, ids],
  })
  const { rows } = await db.query<{ id: string }>({
    name: 'lock-pinned',
    text: `
      select id from message
      where tenant_id = $1 and id = any ($2::uuid[]) and id between $4 and $5 and connection_id = $3
      order by id for no key update`,
    values: [tenantId, ids, connectionId, ...range],
  })
  const named = rows.map((row) => row.id)
  await db.query({
    name: 'unpin-message',
    text: `
      update message set connection_id = null
      where tenant_id = $1 and id = any ($2::uuid[]) and id between $3 and $4`,
    values: [tenantId, named, ...range],
  })
  await db.query({
    name: 'unpin-outbox',
    text: 'update outbox set accepted_at = null where message_id = any ($2::uuid[]) and tenant_id = $1',
    values: [tenantId, named],
  })
  return named.length
}
