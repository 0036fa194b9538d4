import type { Queryable } from '@lettergate/db/pool'

export type WrappedDataKeyRow = { tenant_id: string; version: number; wrapped: Buffer }

const text = `
select tenant_id, version, wrapped from data_key
where root_version = $1 and ($2::uuid is null or (tenant_id, version) > ($2, $3::integer))
order by tenant_id, version limit $4`

/** Data keys of all tenants that a root key still wraps, page by page: what its rotation has left to do. */
export async function listDataKeysWrappedBy(
  db: Queryable,
  rootVersion: number,
  after: { tenantId: string; version: number } | null,
  limit: number,
): Promise<WrappedDataKeyRow[]> {
  const values = [rootVersion, after?.tenantId, after?.version, limit]
  const { rows } = await db.query<WrappedDataKeyRow>({ text, values })
  return rows
}
