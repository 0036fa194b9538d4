import type { Queryable } from '@lettergate/db/pool'
import type { ContentDocument } from '../../lib/index.ts'

/** Reads the stored content of a message without its attachments; null if there is none. */
export async function readDocument(
  db: Queryable,
  message: { tenantId: string; id: string },
): Promise<ContentDocument | null> {
  const { rows } = await db.query<{ document: ContentDocument }>({
    name: 'read-document',
    text: 'select document from message_content where tenant_id = $1 and message_id = $2',
    values: [message.tenantId, message.id],
  })
  return rows[0]?.document ?? null
}
