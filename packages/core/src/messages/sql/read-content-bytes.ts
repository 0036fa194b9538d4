import type { Queryable } from '@lettergate/db/pool'

/** How large the content of a message is, files included; 0 if there is no such message. */
export async function readContentBytes(
  db: Queryable,
  message: { tenantId: string; id: string },
): Promise<number> {
  const { rows } = await db.query<{ content_bytes: number }>({
    name: 'read-content-bytes',
    text: 'select content_bytes from message where tenant_id = $1 and id = $2',
    values: [message.tenantId, message.id],
  })
  return rows[0]?.content_bytes ?? 0
}
