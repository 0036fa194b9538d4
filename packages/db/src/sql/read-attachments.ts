import type { Queryable } from '../pool.ts'

export type StoredAttachment = {
  filename: string
  contentType: string
  contentId: string | null
  disposition: 'attachment' | 'inline'
  content: Buffer
}

type Row = {
  filename: string
  content_type: string
  content_id: string | null
  disposition: 'attachment' | 'inline'
  bytes: number
  chunks: Buffer[]
}

/** The attachments of one message, in order, whole. The caller bounds how many messages are held at once. */
export async function readAttachments(
  db: Queryable,
  message: { tenantId: string; id: string },
): Promise<StoredAttachment[]> {
  const { rows } = await db.query<Row>({
    name: 'read-attachments',
    text: `
      select a.filename, a.content_type, a.content_id, a.disposition, a.bytes,
             array(select c.content from attachment_chunk c
                   where c.tenant_id = a.tenant_id and c.message_id = a.message_id and c.position = a.position
                   order by c.chunk) as chunks
      from attachment a where a.tenant_id = $1 and a.message_id = $2 order by a.position`,
    values: [message.tenantId, message.id],
  })
  return rows.map((row) => ({
    filename: row.filename,
    contentType: row.content_type,
    contentId: row.content_id,
    disposition: row.disposition,
    content: Buffer.concat(row.chunks),
  }))
}
