import type { Queryable } from '@lettergate/db/pool'

export type AttachmentRow = {
  filename: string
  contentType: string
  contentId: string | null
  disposition: string
  content: Buffer
}

/** A chunk is small enough that neither side ever holds a second copy of a whole 25 MB file. */
const CHUNK_BYTES = 512 * 1024

/** Writes the attachments of one message; the caller's transaction makes them visible together with it. */
export async function insertAttachments(
  db: Queryable,
  message: { tenantId: string; id: string },
  attachments: AttachmentRow[],
): Promise<void> {
  await db.query({
    name: 'insert-attachments',
    text: `
      insert into attachment (tenant_id, message_id, position, filename, content_type, content_id, disposition, bytes)
      select $1::uuid, $2::uuid, a.*
      from unnest($3::int2[], $4::text[], $5::text[], $6::text[], $7::text[], $8::int4[]) as a`,
    values: [
      message.tenantId,
      message.id,
      attachments.map((_, position) => position),
      attachments.map((attachment) => attachment.filename),
      attachments.map((attachment) => attachment.contentType),
      attachments.map((attachment) => attachment.contentId),
      attachments.map((attachment) => attachment.disposition),
      attachments.map((attachment) => attachment.content.length),
    ],
  })
  for (const [position, { content }] of attachments.entries()) {
    for (let chunk = 0; chunk * CHUNK_BYTES < content.length; chunk++) {
      await db.query({
        name: 'insert-attachment-chunk',
        text: `insert into attachment_chunk (tenant_id, message_id, position, chunk, content) values ($1, $2, $3, $4, $5)`,
        values: [
          message.tenantId,
          message.id,
          position,
          chunk,
          content.subarray(chunk * CHUNK_BYTES, (chunk + 1) * CHUNK_BYTES),
        ],
      })
    }
  }
}
