import type { Queryable } from '@lettergate/db/pool'
import { idRange } from '../../lib/index.ts'
import type { SuppressedRecipient } from './accept-messages.ts'

/** The suppressed recipients of these messages, as the statement that stored them answered. */
export async function findSuppressed(
  db: Queryable,
  messages: { tenantId: string; id: string }[],
): Promise<SuppressedRecipient[]> {
  if (messages.length === 0) return []
  const { rows } = await db.query<{ message_id: string; position: number }>({
    name: 'find-suppressed',
    text: `
      select p.message_id, p.position
      from unnest($1::uuid[], $2::uuid[]) as k(tenant_id, id)
      cross join lateral (
        select message_id, position from recipient p
        where p.tenant_id = k.tenant_id and p.message_id = k.id and p.message_id between $3 and $4 and p.status = 'suppressed'
      ) p`,
    values: [
      messages.map(({ tenantId }) => tenantId),
      messages.map(({ id }) => id),
      ...idRange(messages.map(({ id }) => id)),
    ],
  })
  return rows.map((row) => [row.message_id, row.position])
}
