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
