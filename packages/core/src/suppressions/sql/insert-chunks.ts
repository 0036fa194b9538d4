import type { Queryable } from '@lettergate/db/pool'
import type { Chunk } from '../split-lines.ts'

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

/** Stores an import with its file, in a transaction of the caller. */
export async function insertChunks(
  db: Queryable,
  job: { tenantId: string; mode: string; id: string; options: string; total: number },
  chunks: readonly Chunk[],
): Promise<void> {
  await db.query({
    name: 'insert-suppression-import',
    text: `
      insert into suppression_job (tenant_id, id, mode, kind, options, total) values ($1, $2, $3, 'import', $4, $5)`,
    values: [job.tenantId, job.id, job.mode, job.options, job.total],
  })
  for (const { from, part } of partsOf(chunks)) {
    await db.query({
      name: 'insert-suppression-chunks',
      text: `
        insert into suppression_chunk (tenant_id, job_id, chunk, line, lines, content)
        select $1, $2, $3 + position - 1, line, lines, content
        from unnest($4::int4[], $5::int4[], $6::bytea[]) with ordinality as c(line, lines, content, position)`,
      values: [
        job.tenantId,
        job.id,
        from,
        part.map(({ line }) => line),
        part.map(({ lines }) => lines),
        part.map(({ content }) => content),
      ],
    })
  }
}
