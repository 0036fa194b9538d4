import type { Queryable } from '@lettergate/db/pool'

export type ExportFilter = {
  tenantId: string
  mode: string
  reason: string | null
  stream: string | null
}

export type ExportRow = {
  address: string
  stream: string
  reason: string
  note: string | null
  message_id: string | null
  created_at: Date
  expires_at: Date | null
}

const MATCHING = `tenant_id = $1 and mode = $2 and ($3::text is null or reason = $3) and ($4::text is null or stream = $4)
      and (expires_at is null or expires_at > now())`

export async function countEntries(db: Queryable, filter: ExportFilter): Promise<number> {
  const { rows } = await db.query<{ n: number }>({
    name: 'count-suppressions',
    text: `select count(*)::int4 as n from suppression where ${MATCHING}`,
    values: [filter.tenantId, filter.mode, filter.reason, filter.stream],
  })
  return rows[0]?.n ?? 0
}

/** The entries after a place, by address and stream. */
export async function readExportPage(
  db: Queryable,
  filter: ExportFilter,
  after: readonly [address: string, stream: string],
  limit: number,
): Promise<ExportRow[]> {
  const { rows } = await db.query<ExportRow>({
    name: 'export-suppressions',
    text: `
      select address, stream, reason, note, message_id, created_at, expires_at from suppression
      where ${MATCHING} and (address, stream) > ($5, $6)
      order by address, stream limit $7`,
    values: [filter.tenantId, filter.mode, filter.reason, filter.stream, ...after, limit],
  })
  return rows
}

/** Stores a piece of the file of an export. */
export async function writeChunk(
  db: Queryable,
  chunk: { tenantId: string; id: string; number: number; line: number; lines: number; content: string },
): Promise<void> {
  await db.query({
    name: 'write-suppression-chunk',
    text: `
      insert into suppression_chunk (tenant_id, job_id, chunk, line, lines, content) values ($1, $2, $3, $4, $5, $6)`,
    values: [chunk.tenantId, chunk.id, chunk.number, chunk.line, chunk.lines, Buffer.from(chunk.content)],
  })
}

/** Removes a piece of the file of an import, which is read. */
export async function deleteChunk(
  db: Queryable,
  { tenantId, id, number }: { tenantId: string; id: string; number: number },
): Promise<void> {
  await db.query({
    name: 'delete-suppression-chunk',
    text: 'delete from suppression_chunk where tenant_id = $1 and job_id = $2 and chunk = $3',
    values: [tenantId, id, number],
  })
}
