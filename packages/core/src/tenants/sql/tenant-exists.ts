import type { Queryable } from '@lettergate/db/pool'

/** Whether there is a tenant with this id. */
export async function tenantExists(db: Queryable, tenantId: string): Promise<boolean> {
  const { rowCount } = await db.query({ text: 'select from tenant where id = $1', values: [tenantId] })
  return rowCount === 1
}
