import type { Queryable } from '@lettergate/db/pool'
import { readAttachmentChunks } from './read-attachment-chunks.ts'

export type StoredAttachment = {
  filename: string
  contentType: string
  contentId: string | null
  disposition: 'attachment' | 'inline'
  content: Buffer
}

/**
 * Reads the attachments of one message, in order. The caller bounds how many messages are held at the same time. Their memory is shared, so that
 * another thread can encode them without a copy.
 */
export async function readAttachments(
  db: Queryable,
  message: { tenantId: string; id: string },
): Promise<StoredAttachment[]> {
  const { rows } = await db.query<Omit<StoredAttachment, 'content'> & { bytes: number }>({
    name: 'read-attachments',
    text: `
      select a.filename, a.content_type as "contentType", a.content_id as "contentId", a.disposition, a.bytes
      from attachment a where a.tenant_id = $1 and a.message_id = $2 order by a.position`,
    values: [message.tenantId, message.id],
  })
  const attachments = rows.map(({ bytes, ...row }) => ({
    ...row,
    content: Buffer.from(new SharedArrayBuffer(bytes)),
  }))
  const filled = attachments.map(() => 0)
  for await (const { position, content } of readAttachmentChunks(db, message)) {
    const at = filled[position] ?? 0
    content.copy(attachments[position]?.content ?? Buffer.alloc(0), at)
    filled[position] = at + content.length
  }
  const short = attachments.findIndex(({ content }, position) => content.length !== filled[position])
  if (short >= 0) throw new Error(`attachment ${short} of message ${message.id} is not whole`)
  return attachments
}
