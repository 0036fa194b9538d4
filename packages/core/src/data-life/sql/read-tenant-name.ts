import type { Queryable } from '@lettergate/db/pool'

/** Null: there is no such tenant. */
export async function readTenantName(db: Queryable, tenantId: string): Promise<string | null> {
  const { rows } = await db.query<{ name: string }>({
    name: 'read-tenant-name',
    text: 'select name from tenant where id = $1',
    values: [tenantId],
  })
  return rows[0]?.name ?? null
}
