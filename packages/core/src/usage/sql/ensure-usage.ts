import type { Queryable } from '@lettergate/db/pool'

/** Makes today's usage rows (by the database's UTC day) where they are missing. */
export async function ensureUsage(db: Queryable, tenants: { id: string; mode: string }[]): Promise<void> {
  await db.query({
    name: 'ensure-usage',
    text: `
      insert into usage (tenant_id, day, mode)
      select distinct t.id, (now() at time zone 'utc')::date, w.mode
      from unnest($1::uuid[], $2::text[]) as w(tenant_id, mode) join tenant t on t.id = w.tenant_id
      order by 1, 2, 3
      on conflict do nothing`,
    values: [tenants.map((tenant) => tenant.id), tenants.map((tenant) => tenant.mode)],
  })
}
