import type { Queryable } from '@lettergate/db/pool'
import { type AcceptRow, MESSAGE_BATCH, messageArray } from './message-batch.ts'

/** Of one statement: making its parameter costs a few milliseconds. One document may be larger. */
const CHARS_MAX = 512 * 1024

function* slices(rows: readonly AcceptRow[]): Generator<AcceptRow[]> {
  let slice: AcceptRow[] = []
  let chars = 0
  for (const row of rows) {
    slice.push(row)
    chars += row.document.length
    if (chars < CHARS_MAX) continue
    yield slice
    slice = []
    chars = 0
  }
  if (slice.length > 0) yield slice
}

/** Writes the documents of many or long messages, in several statements; the caller's transaction makes them visible together with them. */
export async function insertDocuments(
  db: Queryable,
  tenantId: string,
  rows: readonly AcceptRow[],
): Promise<void> {
  for (const slice of slices(rows)) {
    await db.query({
      name: 'insert-documents',
      text: `
        insert into message_content (tenant_id, message_id, document)
        select $1::uuid, id, document from ${MESSAGE_BATCH}`,
      values: [
        tenantId,
        await messageArray(
          db,
          slice.map((row) => ({ unit: 0, row })),
        ),
      ],
    })
  }
}
