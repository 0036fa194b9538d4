import type { Queryable } from '@lettergate/db/pool'

// By way of JSON, so that the statement also runs where `suspended_at` does not exist yet.
const text = "select from tenant t where id = $1 and to_jsonb(t) ->> 'suspended_at' is null"

export async function isTenantActive(db: Queryable, tenantId: string): Promise<boolean> {
  const { rowCount } = await db.query({ name: 'is-tenant-active', text, values: [tenantId] })
  return rowCount === 1
}
