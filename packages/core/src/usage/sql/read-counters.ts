import type { Queryable } from '@lettergate/db/pool'
import { type QuotaState, toQuotaState } from '../quota-state.ts'
import { limitsAsJson, type UsageColumns, usageColumns } from '../quotas.ts'

/** `day`: the UTC day that counts now. */
export type UsageNow = { day: string; quota: QuotaState }

/** The counters of a tenant now, as a request would find them; null: no such tenant. Writes nothing: a day without mail has no row yet. */
export async function readCounters(db: Queryable, tenantId: string, mode: string): Promise<UsageNow | null> {
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
