import type { Queryable } from '../pool.ts'

export type WrappedDataKeyRow = { tenant_id: string; version: number; wrapped: Buffer }

const text = `
select tenant_id, version, wrapped from data_key
where root_version = $1 order by tenant_id, version limit $2`

/** Data keys of all tenants that a root key still wraps: what its rotation has left to do. */
export async function listDataKeysWrappedBy(
  db: Queryable,
  rootVersion: number,
  limit: number,
): Promise<WrappedDataKeyRow[]> {
  const { rows } = await db.query<WrappedDataKeyRow>({ text, values: [rootVersion, limit] })
  return rows
}
