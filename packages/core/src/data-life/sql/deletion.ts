import type { Queryable } from '@lettergate/db/pool'

/** Revokes all keys of a tenant, and overwrites the key of its secrets. `actor`: who asked for it, as the log of changes has it. */
export async function stopTenant(db: Queryable, tenantId: string, actor: string): Promise<void> {
  await db.query({ name: 'stop-tenant', text: 'select stop_tenant($1, $2)', values: [tenantId, actor] })
}

/** Deletes some rows of a tenant; null: none is left but the tenant's own. */
export async function deletePage(
  db: Queryable,
  tenantId: string,
  limit: number,
): Promise<{ table: string; deleted: number } | null> {
  const { rows } = await db.query<{ table: string | null; deleted: number }>({
    name: 'delete-page',
    text: 'select of_table as table, deleted from delete_page($1, $2)',
    values: [tenantId, limit],
  })
  const { table = null, deleted = 0 } = rows[0] ?? {}
  return table === null ? null : { table, deleted }
}

/** Deletes the tenant itself and the log of its changes, in which one entry stays that names its id and who deleted it. */
export async function forgetTenant(db: Queryable, tenantId: string, actor: string): Promise<number> {
  const { rows } = await db.query<{ n: number }>({
    name: 'forget-tenant',
    text: 'select forget_tenant($1, $2) as n',
    values: [tenantId, actor],
  })
  return rows[0]?.n ?? 0
}
