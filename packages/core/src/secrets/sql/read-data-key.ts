import type { Queryable } from '@lettergate/db/pool'
import type { DataKeyRow } from './newest-data-key.ts'

const text = `select version, root_version, wrapped from data_key where tenant_id = $1 and version = $2`

/** One data key of this tenant, by the version that a sealed row names. */
export async function readDataKey(
  db: Queryable,
  tenantId: string,
  version: number,
): Promise<DataKeyRow | null> {
  const { rows } = await db.query<DataKeyRow>({ text, values: [tenantId, version] })
  return rows[0] ?? null
}
