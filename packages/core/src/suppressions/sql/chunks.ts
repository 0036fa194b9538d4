import type { Queryable } from '@lettergate/db/pool'
import type { Chunk } from '../split-lines.ts'

/** A chunk of the file of a job, by its number. */
type Place = { tenantId: string; id: string; number: number }

/** Chunks and bytes in one statement. */
const TOGETHER = 50
const BYTES_TOGETHER = 1_000_000

function* partsOf(chunks: readonly Chunk[]): Generator<{ from: number; part: readonly Chunk[] }> {
  let [from, bytes] = [0, 0]
  for (const [index, { content }] of chunks.entries()) {
    bytes += content.length
    if (index + 1 - from < TOGETHER && bytes < BYTES_TOGETHER && index + 1 < chunks.length) continue
    yield { from, part: chunks.slice(from, index + 1) }
    ;[from, bytes] = [index + 1, 0]
  }
}

/** Stores chunks of the file of a job, the first of them as this number. */
export async function insertChunks(
  db: Queryable,
  { tenantId, id, number }: Place,
  chunks: readonly Chunk[],
): Promise<void> {
  for (const { from, part } of partsOf(chunks)) {
    await db.query({
      name: 'insert-suppression-chunks',
      text: `
        insert into suppression_chunk (tenant_id, job_id, chunk, line, lines, content)
        select $1, $2, $3 + position - 1, line, lines, content
        from unnest($4::int4[], $5::int4[], $6::bytea[]) with ordinality as c(line, lines, content, position)`,
      values: [
        tenantId,
        id,
        number + from,
        part.map(({ line }) => line),
        part.map(({ lines }) => lines),
        part.map(({ content }) => content),
      ],
    })
  }
}

/** Null: there is none of this number. */
export async function readChunk(db: Queryable, { tenantId, id, number }: Place): Promise<Chunk | null> {
  const { rows } = await db.query<Chunk>({
    name: 'read-suppression-chunk',
    text: `
      select line, lines, content from suppression_chunk where tenant_id = $1 and job_id = $2 and chunk = $3`,
    values: [tenantId, id, number],
  })
  return rows[0] ?? null
}

/** Removes a chunk of an import, which is read. */
export async function deleteChunk(db: Queryable, { tenantId, id, number }: Place): Promise<void> {
  await db.query({
    name: 'delete-suppression-chunk',
    text: 'delete from suppression_chunk where tenant_id = $1 and job_id = $2 and chunk = $3',
    values: [tenantId, id, number],
  })
}
