import type { Queryable } from '@lettergate/db/pool'

/** Of 512 kB each, as of attachments: what one statement answers stays far from its time-out. */
const CHUNKS_MAX = 4

/** The mail as its client wrote it. Its memory is shared, so that another thread can decode it without a copy. */
export async function readRaw(
  db: Queryable,
  message: { tenantId: string; id: string },
  bytes: number,
): Promise<Buffer> {
  const raw = Buffer.from(new SharedArrayBuffer(bytes))
  let filled = 0
  for (let chunk = 0; filled < bytes; chunk += CHUNKS_MAX) {
    const { rows } = await db.query<{ content: Buffer }>({
      name: 'read-raw-chunks',
      text: `
        select content from message_raw_chunk
        where tenant_id = $1 and message_id = $2 and chunk >= $3::int2 and chunk < $3::int2 + ${CHUNKS_MAX}
        order by chunk`,
      values: [message.tenantId, message.id, chunk],
    })
    for (const { content } of rows) filled += content.copy(raw, filled)
    if (rows.length === 0) throw new Error(`the mail of message ${message.id} is not whole`)
  }
  return raw
}
