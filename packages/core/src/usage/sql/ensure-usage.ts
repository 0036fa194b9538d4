import type { Queryable } from '@lettergate/db/pool'

/** Makes today's usage rows (by the database's UTC day) with their limits where they are missing, in the order of the tenants. */
export async function ensureUsage(
  db: Queryable,
  tenants: readonly { id: string; mode: string }[],
): Promise<void> {
  await db.query({
    name: 'open-usage',
    text: `
      select open_usage(tenant_id, mode)
      from (select distinct tenant_id, mode from unnest($1::uuid[], $2::text[]) as w(tenant_id, mode) order by tenant_id, mode) w`,
    values: [tenants.map(({ id }) => id), tenants.map(({ mode }) => mode)],
  })
}
