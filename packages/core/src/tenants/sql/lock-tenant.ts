import type { Queryable } from '@lettergate/db/pool'

/**
 * Lets others who change this tenant's connections or routes wait until the transaction ends. A count in the statement that inserts is
 * made of what was committed when that statement began: two that began together would both find room.
 */
export async function lockTenant(db: Queryable, tenantId: string): Promise<void> {
  await db.query({
    name: 'lock-tenant',
    text: 'select from tenant where id = $1 for no key update',
    values: [tenantId],
  })
}
