import type { Queryable } from '@lettergate/db/pool'

/** Whether this tenant exists, and the operator has not suspended it. */
export async function isTenantActive(db: Queryable, tenantId: string): Promise<boolean> {
  const { rows } = await db.query<{ is_suspended: boolean | null }>({
    name: 'is-tenant-active',
    text: 'select is_suspended($1) as is_suspended',
    values: [tenantId],
  })
  return rows[0]?.is_suspended === false
}
