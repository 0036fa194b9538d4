import type { Queryable } from '@lettergate/db/pool'

/** Why the operator has suspended a tenant; null: it is active. */
export async function readSuspension(db: Queryable, tenantId: string): Promise<string | null> {
  const { rows } = await db.query<{ suspended_reason: string | null }>({
    name: 'read-suspension',
    text: 'select suspended_reason from tenant where id = $1',
    values: [tenantId],
  })
  return rows[0]?.suspended_reason ?? null
}
