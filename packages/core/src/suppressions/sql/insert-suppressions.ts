import type { Queryable } from '@lettergate/db/pool'

/** An entry that a person adds; the address is in lower case. */
export type EntryRow = {
  address: string
  stream: string
  reason: string
  note: string | null
  expiresAt: Date | null
}

/**
 * Adds entries to one list, and answers how many are new or last longer than before; any other entry stays as it is. One that has ended
 * already is left out. Of two for the same address and stream, the first counts. In the order of addresses, as `addSuppressions`, so that
 * no two statements wait for each other.
 */
export async function insertSuppressions(
  db: Queryable,
  list: { tenantId: string; mode: string },
  rows: readonly EntryRow[],
): Promise<number> {
  const { rowCount } = await db.query({
    name: 'insert-suppressions',
    text: `
      insert into suppression as s (tenant_id, mode, address, stream, reason, note, expires_at)
      select distinct on (r.address collate "C", r.stream) $1, $2, r.address, r.stream, r.reason, r.note, r.expires_at
      from unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[]) with ordinality
        as r(address, stream, reason, note, expires_at, position)
      where r.expires_at is null or r.expires_at > now()
      order by r.address collate "C", r.stream, r.position
      on conflict (tenant_id, mode, address, stream) do update
        set reason = excluded.reason, note = excluded.note, message_id = null, created_at = excluded.created_at,
            expires_at = excluded.expires_at
        where s.expires_at is not null and (excluded.expires_at is null or excluded.expires_at > s.expires_at)`,
    values: [
      list.tenantId,
      list.mode,
      rows.map(({ address }) => address),
      rows.map(({ stream }) => stream),
      rows.map(({ reason }) => reason),
      rows.map(({ note }) => note),
      rows.map(({ expiresAt }) => expiresAt?.toISOString() ?? null),
    ],
  })
  return rowCount ?? 0
}
