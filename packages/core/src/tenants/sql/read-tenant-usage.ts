import type { Queryable } from '@lettergate/db/pool'

export type UsageDayRow = {
  day: string
  mode: 'live' | 'test'
  accepted: number
  pool: number
  bytes: number
}

/** What a tenant used in the last days, newest first; days on which nothing was sent are left out. */
export async function readTenantUsage(db: Queryable, tenantId: string, days: number): Promise<UsageDayRow[]> {
  const { rows } = await db.query<UsageDayRow>({
    name: 'read-tenant-usage',
    text: `
      select day, mode, accepted, pool, bytes from usage
      where tenant_id = $1 and day > (now() at time zone 'utc')::date - $2::int4
      order by day desc, mode`,
    values: [tenantId, days],
  })
  return rows
}
