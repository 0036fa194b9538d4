import type { Queryable } from '@lettergate/db/pool'

export type DataKeyRow = { version: number; root_version: number; wrapped: Buffer }

const text = `
select version, root_version, wrapped from data_key
where tenant_id = $1 order by version desc limit 1`

/** The data key that seals what this tenant saves from now on; null if it has none yet. */
export async function newestDataKey(db: Queryable, tenantId: string): Promise<DataKeyRow | null> {
  const { rows } = await db.query<DataKeyRow>({ text, values: [tenantId] })
  return rows[0] ?? null
}
