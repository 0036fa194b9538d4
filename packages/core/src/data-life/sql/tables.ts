import type { Queryable } from '@lettergate/db/pool'

export type TenantTable = { name: string; parent: string; isManaged: boolean }

/** Every table with a tenant's rows, each day of a partitioned one by itself, in a stable order. */
export async function listTenantTables(db: Queryable): Promise<TenantTable[]> {
  const { rows } = await db.query<TenantTable>({
    name: 'list-tenant-tables',
    text: `select name, parent, is_managed as "isManaged" from tables_of_tenants() order by name collate "C"`,
    values: [],
  })
  return rows
}
