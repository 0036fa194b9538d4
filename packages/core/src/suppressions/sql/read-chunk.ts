import type { Queryable } from '@lettergate/db/pool'
import type { Chunk } from '../split-lines.ts'

/** One chunk of a job; null: there is none of this number. */
export async function readChunk(
  db: Queryable,
  { tenantId, id, chunk }: { tenantId: string; id: string; chunk: number },
): Promise<Chunk | null> {
  const { rows } = await db.query<Chunk>({
    name: 'read-suppression-chunk',
    text: `
      select line, lines, content from suppression_chunk where tenant_id = $1 and job_id = $2 and chunk = $3`,
    values: [tenantId, id, chunk],
  })
  return rows[0] ?? null
}
