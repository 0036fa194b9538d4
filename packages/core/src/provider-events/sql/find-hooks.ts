import type { Queryable } from '@lettergate/db/pool'

/** Whose a hook is, and which version of it is the present one. */
export type FoundHook = { tenantId: string; connectionId: string; provider: string; version: number }

/** Hooks of any tenant by the connections that URLs name; in any order, and without those that do not exist. */
export async function findHooks(db: Queryable, connectionIds: readonly string[]): Promise<FoundHook[]> {
  const { rows } = await db.query<FoundHook>({
    name: 'find-hooks',
    text: `
      select tenant_id as "tenantId", connection_id as "connectionId", provider, version
      from hook where connection_id = any ($1::uuid[])`,
    values: [connectionIds],
  })
  return rows
}
