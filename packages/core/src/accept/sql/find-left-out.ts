import type { Queryable } from '@lettergate/db/pool'
import { idRange } from '../../lib/index.ts'
import type { SuppressedRecipient } from './accept-messages.ts'

/** The suppressed recipients of these messages and the messages that were held, as the statement that stored them answered. */
export async function findLeftOut(
  db: Queryable,
  messages: { tenantId: string; id: string }[],
): Promise<{ suppressed: SuppressedRecipient[]; held: string[] }> {
  if (messages.length === 0) return { suppressed: [], held: [] }
  const { rows } = await db.query<{ message_id: string; position: number; status: 'suppressed' | 'held' }>({
    name: 'find-left-out',
    text: `
      select p.message_id, p.position, p.status
      from unnest($1::uuid[], $2::uuid[]) as k(tenant_id, id)
      cross join lateral (
        select message_id, position, status from recipient p
        where p.tenant_id = k.tenant_id and p.message_id = k.id and p.message_id between $3 and $4 and p.status in ('suppressed', 'held')
      ) p`,
    values: [
      messages.map(({ tenantId }) => tenantId),
      messages.map(({ id }) => id),
      ...idRange(messages.map(({ id }) => id)),
    ],
  })
  const held = rows.filter(({ status }) => status === 'held').map(({ message_id: id }) => id)
  return {
    suppressed: rows
      .filter(({ status }) => status === 'suppressed')
      .map((row) => [row.message_id, row.position]),
    held: [...new Set(held)],
  }
}
