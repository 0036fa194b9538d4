import type { TenantUsage } from '@lettergate/contracts/admin/figures'
import type { Usage } from '@lettergate/contracts/usage/usage'
import type { Queryable } from '@lettergate/db/pool'
import { toConnectionName } from '../../lib/index.ts'

// Rows have the names of the API, so a new figure of a day is a column here and a field of `Usage`.

/** The last days of `GET /v1/usage`, newest first, and what each connection did in them. Days without mail are left out. */
export async function readUsageDays(
  db: Queryable,
  { tenantId, mode, days }: { tenantId: string; mode: string; days: number },
): Promise<Pick<Usage, 'days' | 'connections'>> {
  const values = [tenantId, mode, days]
  const byDay = await db.query<Usage['days'][number]>({
    name: 'read-usage-days',
    text: `
      select day, accepted, pool, accepted - pool as own, bytes::float8 as bytes, day_limit as limit from usage
      where tenant_id = $1 and mode = $2 and day > usage_today() - $3::int4
      order by day desc`,
    values,
  })
  const byConnection = await db.query<Usage['connections'][number]>({
    name: 'read-usage-connections',
    text: `
      select connection_id as connection, sum(sent)::float8 as sent, sum(bounced)::float8 as bounced, sum(complained)::float8 as complained
      from usage_connection
      where tenant_id = $1 and mode = $2 and day > usage_today() - $3::int4
      group by 1 order by 2 desc, 1`,
    values,
  })
  return {
    days: byDay.rows,
    connections: byConnection.rows.map((row) => ({ ...row, connection: toConnectionName(row.connection) })),
  }
}

export type OperatorUsageDay = TenantUsage['data'][number]

/** The last days of a tenant as the operator sees them, of live and test messages, newest first. Days without mail are left out. */
export async function readUsageDaysForOperator(
  db: Queryable,
  tenantId: string,
  days: number,
): Promise<OperatorUsageDay[]> {
  const { rows } = await db.query<OperatorUsageDay>({
    name: 'read-tenant-usage',
    text: `
      select day, mode, accepted, pool, bytes from usage
      where tenant_id = $1 and day > (now() at time zone 'utc')::date - $2::int4
      order by day desc, mode`,
    values: [tenantId, days],
  })
  return rows
}
