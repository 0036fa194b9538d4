import type { Queryable } from '@lettergate/db/pool'

/**
 * Doubles the ceiling of tenants that had a good day yesterday: 20 recipients through the pool, a proved domain, and nothing against them. It
 * ends where the plan allows no more. Each day counts once, whoever runs this and however often.
 */
export async function raiseCeilings(db: Queryable, limit: number): Promise<number> {
  const { rows } = await db.query<{ n: number }>({
    name: 'raise-pool-ceilings',
    text: `
      with yesterday as materialized (
        select (now() at time zone 'utc')::date - 1 as day
      ), due as materialized (
        select t.id from tenant t
        where t.pool_ramp and not exists (
          select from abuse_state a where a.tenant_id = t.id and a.ramp_day >= (select day from yesterday))
        order by t.id limit $1 for no key update of t skip locked
      ), counted as (
        insert into abuse_state (tenant_id, state, by, why, ramp_day)
        select d.id, 'ok', 'rule', 'nothing is known against it', y.day from due d cross join yesterday y order by d.id
        on conflict (tenant_id) do update set ramp_day = excluded.ramp_day
        where abuse_state.ramp_day is null or abuse_state.ramp_day < excluded.ramp_day
        returning tenant_id, state
      ), good as materialized (
        select c.tenant_id from counted c cross join yesterday y
        where c.state = 'ok' and cardinality(proved_domains(c.tenant_id)) > 0 and 20 <= (
          select sum(h.handed) from reputation_hour h
          where h.tenant_id = c.tenant_id and h.hour >= y.day::timestamp at time zone 'utc'
            and h.hour < (y.day + 1)::timestamp at time zone 'utc')
      ), raised as (
        update tenant t
        set pool_ceiling = case when l.n <= t.pool_ceiling * 2 then null else t.pool_ceiling * 2 end,
            pool_ramp = l.n is null or l.n > t.pool_ceiling * 2
        from good g
        join tenant o on o.id = g.tenant_id
        join plan p on p.name = o.plan
        cross join lateral (select coalesce((o.own_limits ->> 'pool_per_day')::int4, p.pool_per_day) as n) l
        where t.id = g.tenant_id
      )
      select count(*)::int4 as n from due`,
    values: [limit],
  })
  return rows[0]?.n ?? 0
}
