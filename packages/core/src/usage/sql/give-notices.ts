import type { Queryable } from '@lettergate/db/pool'
import { appendAccountEvents, NOTIFY_FEED } from '../../lib/index.ts'
import { noticeRows } from '../quotas.ts'

export type UsagePlace = { tenantId: string; mode: string }
export const FIRST_USAGE: UsagePlace = { tenantId: '00000000-0000-0000-0000-000000000000', mode: '' }

/**
 * Tells tenants of which limits four fifths or all are used, by an event, once in each day or month. The row
 * of the notice and the event are one statement, so that a repeat, or a process that dies in between, gives none twice. A tenant that passes
 * both at once gets the second alone. Looks at `limit` rows after this place; `next` null: there are no more.
 */
export async function giveNotices(
  db: Queryable,
  after: UsagePlace,
  limit: number,
): Promise<{ count: number; next: UsagePlace | null }> {
  const { rows } = await db.query<{ given: number; next_tenant: string | null; next_mode: string | null }>({
    name: 'give-usage-notices',
    text: `
      with page as materialized (
        select * from usage
        where day = usage_today() and (tenant_id, mode) > ($1::uuid, $2::text)
        order by tenant_id, mode limit $3
      ), due as materialized (
        select p.tenant_id, p.mode, c.*, s.percent
        from page p
        cross join lateral (values ${noticeRows('p')}) as c(counter, used, most, period, ends)
        cross join (values (80), (100)) as s(percent)
        where c.most > 0 and c.used * 100 >= c.most * s.percent
      ), noticed as (
        insert into usage_notice (tenant_id, mode, counter, period, percent)
        select tenant_id, mode, counter, period, percent from due order by tenant_id, mode, counter, percent
        on conflict do nothing
        returning *
      ), given as (
        select distinct on (d.tenant_id, d.mode, d.counter) d.*
        from due d join noticed n using (tenant_id, mode, counter, period, percent)
        order by d.tenant_id, d.mode, d.counter, d.percent desc
      ), ${appendAccountEvents(`
        select tenant_id, case percent when 100 then 'usage.exhausted' else 'usage.warned' end as type,
               json_build_object('detail', json_build_object('counter', counter, 'mode', mode, 'used', used, 'limit', most,
                 'resets_at', to_char(ends, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))) as data
        from given`)}
      select (select count(*) from given)::int4 as given, ${NOTIFY_FEED},
             (select tenant_id from page order by tenant_id, mode offset $3 - 1 limit 1) as next_tenant,
             (select mode from page order by tenant_id, mode offset $3 - 1 limit 1) as next_mode`,
    values: [after.tenantId, after.mode, limit],
  })
  const [row] = rows
  const { given = 0, next_tenant: tenantId = null, next_mode: mode = null } = row ?? {}
  return { count: given, next: tenantId !== null && mode !== null ? { tenantId, mode } : null }
}
