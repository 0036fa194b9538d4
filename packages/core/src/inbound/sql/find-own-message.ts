import type { Queryable } from '@lettergate/db/pool'

/** The tenant and mode of a message that an address of ours names; null: there is no such recipient any more. */
export async function findOwnMessage(
  db: Queryable,
  { messageId, position }: { messageId: string; position: number },
): Promise<{ tenantId: string; mode: 'live' | 'test' } | null> {
  const { rows } = await db.query<{ tenantId: string; mode: 'live' | 'test' }>({
    name: 'find-own-message',
    text: `
      select m.tenant_id as "tenantId", m.mode from message m
      where m.id = $1 and exists (
        select from recipient r where r.tenant_id = m.tenant_id and r.message_id = $1 and r.position = $2)`,
    values: [messageId, position],
  })
  return rows[0] ?? null
}
