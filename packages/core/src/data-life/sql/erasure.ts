import type { Queryable } from '@lettergate/db/pool'

export type ErasureHit = { tenantId: string; messageId: string; state: string | null }

/** Makes the keys, and puts the hash in the place of the address on suppression lists; answers how many entries. */
export async function beginErasure(db: Queryable, tenantId: string | null, address: string): Promise<number> {
  const { rows } = await db.query<{ n: number }>({
    name: 'begin-erasure',
    text: 'select begin_erasure($1, $2) as n',
    values: [tenantId, address],
  })
  return rows[0]?.n ?? 0
}

/** Messages of one day of `recipient` or `message` that still have the address; those being sent now come last. */
export async function listErasureHits(
  db: Queryable,
  { tenantId, address, table }: { tenantId: string | null; address: string; table: string },
  limit: number,
): Promise<ErasureHit[]> {
  const { rows } = await db.query<ErasureHit>({
    name: 'list-erasure-hits',
    text: `select tenant_id as "tenantId", message_id as "messageId", state from erasure_hits($1, $2, $3, $4)`,
    values: [tenantId, address, table, limit],
  })
  return rows
}

/** Takes the address out of one message; answers rows by table. */
export async function eraseHit(
  db: Queryable,
  hit: ErasureHit,
  address: string,
  isSender: boolean,
): Promise<Record<string, number>> {
  const { rows } = await db.query<{ counts: Record<string, number> }>({
    name: 'erase-hit',
    text: 'select erase_hit($1, $2, $3, $4) as counts',
    values: [hit.tenantId, hit.messageId, address, isSender],
  })
  return rows[0]?.counts ?? {}
}

/** Rewrites one page of a table; `next`: where the next one begins, null after the last. */
export async function erasePage(
  db: Queryable,
  of: { tenantId: string | null; address: string; table: string; after: string[] | null },
  page: number,
): Promise<{ hits: number; next: string[] | null }> {
  const { rows } = await db.query<{ hits: number; next: string[] | null }>({
    name: 'erase-page',
    text: 'select hits, next from erase_page($1, $2, $3, $4, $5)',
    values: [of.tenantId, of.address, of.table, of.after, page],
  })
  return rows[0] ?? { hits: 0, next: null }
}
