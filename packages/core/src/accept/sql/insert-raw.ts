import type { Queryable } from '@lettergate/db/pool'
import type { AcceptRow } from './message-batch.ts'

/** As of attachments: neither side holds a second copy of a whole mail. */
const CHUNK_BYTES = 512 * 1024

/** Writes the raw mails of a request; the caller's transaction makes them visible together with their messages. */
export async function insertRaw(db: Queryable, tenantId: string, rows: readonly AcceptRow[]): Promise<void> {
  for (const { id, raw } of rows) {
    if (!raw) continue
    for (let chunk = 0; chunk * CHUNK_BYTES < raw.length; chunk++) {
      await db.query({
        name: 'insert-raw-chunk',
        text: 'insert into message_raw_chunk (tenant_id, message_id, chunk, content) values ($1, $2, $3, $4)',
        values: [tenantId, id, chunk, raw.subarray(chunk * CHUNK_BYTES, (chunk + 1) * CHUNK_BYTES)],
      })
    }
  }
}
