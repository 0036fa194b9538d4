import type { Queryable } from '@lettergate/db/pool'
import { type QuotaState, toQuotaState } from '../quota-state.ts'
import { limitsAsJson, type UsageColumns, usageColumns } from '../quotas.ts'

/** `day`: the UTC day that counts now. */
export type UsageNow = { day: string; quota: QuotaState }

/** The counters of a tenant now, as a request would find them; null: no such tenant. Writes nothing: a day without mail has no row yet. */
export async function readUsage(db: Queryable, tenantId: string, mode: string): Promise<UsageNow | null> {
  const { rows } = await db.query<UsageColumns & { day: string }>({
    name: 'read-usage',
    text: `
      select (n.g).day, ${usageColumns('n.g')}
      from (
        select case when (w.u).day >= usage_today() and (w.u).day_limit is not null then w.u
          else jsonb_populate_record(null::usage, jsonb_build_object(
            'day', coalesce(case when (w.u).day >= usage_today() then (w.u).day end, usage_today()),
            'accepted', case when (w.u).day >= usage_today() then (w.u).accepted else 0 end,
            'month_before', case when date_trunc('month', (w.u).day) = date_trunc('month', usage_today()) and (w.u).day < usage_today()
                                 then (w.u).month_before + (w.u).accepted else 0 end,
            'pool', 0, 'bytes', 0, ${limitsAsJson('l')})) end as g
        from limits_in_force($1) l
        left join lateral (
          select x as u from usage x where tenant_id = $1 and mode = $2 order by day desc limit 1
        ) w on true
      ) n`,
    values: [tenantId, mode],
  })
  const [row] = rows
  const quota = row ? toQuotaState(row) : null
  return row && quota ? { day: row.day, quota } : null
}

export type UsageDay = { day: string; accepted: number; pool: number; bytes: number; dayLimit: number | null }
export type ConnectionUsage = { connectionId: string; sent: number; bounced: number; complained: number }

/** The newest days that have any mail, at most this many, and what each connection did in them. */
export async function readUsageDays(
  db: Queryable,
  { tenantId, mode, days }: { tenantId: string; mode: string; days: number },
): Promise<{ days: UsageDay[]; connections: ConnectionUsage[] }> {
  const values = [tenantId, mode, days]
  const byDay = await db.query<UsageDay>({
    name: 'read-usage-days',
    text: `
      select day, accepted, pool, bytes::float8 as bytes, day_limit as "dayLimit" from usage
      where tenant_id = $1 and mode = $2 and day > usage_today() - $3::int4
      order by day desc`,
    values,
  })
  const byConnection = await db.query<ConnectionUsage>({
    name: 'read-usage-connections',
    text: `
      select connection_id as "connectionId", sum(sent)::float8 as sent, sum(bounced)::float8 as bounced, sum(complained)::float8 as complained
      from usage_connection
      where tenant_id = $1 and mode = $2 and day > usage_today() - $3::int4
      group by 1 order by 2 desc, 1`,
    values,
  })
  return { days: byDay.rows, connections: byConnection.rows }
}
