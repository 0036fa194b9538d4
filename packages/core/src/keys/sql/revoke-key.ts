import type { Queryable } from '@lettergate/db/pool'

const text = `
update api_key set revoked_at = coalesce(revoked_at, now())
where id = $1 and tenant_id is not distinct from $2
returning id`

/** Revokes a key of this tenant (null: an operator key) for good; false if there is no such key. */
export async function revokeKeyRow(db: Queryable, tenantId: string | null, keyId: string): Promise<boolean> {
  const { rowCount } = await db.query({ text, values: [keyId, tenantId] })
  return rowCount === 1
}
