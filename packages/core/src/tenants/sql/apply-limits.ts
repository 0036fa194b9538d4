import type { ManagedTables } from '@lettergate/db/prisma'

/**
 * Brings the limits in force to those of the plan and of the tenant itself, for one tenant or for all of a plan. A higher limit holds at once. A
 * lower one holds from the next UTC day, so that a day never has more than its limit; only `daily_limit` of the tenant changes at once.
 */
export async function applyLimits(
  db: ManagedTables,
  of: { tenantId: string } | { plan: string },
): Promise<void> {
  const tenantId = 'tenantId' in of ? of.tenantId : null
  const plan = 'plan' in of ? of.plan : null
  await db.$executeRaw`
    update tenant t set daily_limit = coalesce((t.own_limits ->> 'accepted_per_day')::int4, p.accepted_per_day)
    from plan p
    where p.name = t.plan and (${tenantId}::uuid is null or t.id = ${tenantId}::uuid) and (${plan}::text is null or t.plan = ${plan})
      and t.daily_limit <> coalesce((t.own_limits ->> 'accepted_per_day')::int4, p.accepted_per_day)`
  await db.$executeRaw`
    with due as materialized (
      select u.tenant_id, u.day, u.mode, t.daily_limit as day_limit,
             coalesce((t.own_limits ->> 'accepted_per_month')::int8, p.accepted_per_month) as month_limit,
             coalesce((t.own_limits ->> 'pool_per_day')::int4, p.pool_per_day) as pool_limit,
             coalesce((t.own_limits ->> 'bytes_per_day')::int8, p.bytes_per_day) as bytes_limit
      from tenant t join plan p on p.name = t.plan join usage u on u.tenant_id = t.id
      where (${tenantId}::uuid is null or t.id = ${tenantId}::uuid) and (${plan}::text is null or t.plan = ${plan})
        and u.day >= (now() at time zone 'utc')::date and not u.closed and u.day_limit is not null
    )
    update usage u
    set day_limit = greatest(u.day_limit, d.day_limit),
        month_limit = case when u.month_limit is null or d.month_limit is null then null else greatest(u.month_limit, d.month_limit) end,
        pool_limit = case when u.pool_limit is null or d.pool_limit is null then null else greatest(u.pool_limit, d.pool_limit) end,
        bytes_limit = case when u.bytes_limit is null or d.bytes_limit is null then null else greatest(u.bytes_limit, d.bytes_limit) end
    from due d
    where u.tenant_id = d.tenant_id and u.day = d.day and u.mode = d.mode`
}
