import type { Queryable } from '@lettergate/db/pool'
import { FIRST_TENANT } from '../../dispatch/index.ts'
import { likelyShare } from '../abuse-rule.ts'
import { readPoolSetting } from './pool-setting.ts'

/** How a tenant stands with the pool. */
export type PoolTenant = {
  tenantId: string
  name: string
  state: 'ok' | 'warned' | 'paused'
  since: Date | null
  by: 'rule' | 'operator' | null
  why: string | null
  ceiling: number | null
  /** Today. */
  limit: number | null
  used: number
  /** Within the window of the rule. */
  handed: number
  bounced: number
  complained: number
  /** Messages that wait. */
  held: number
  bounces: PoolRate
  complaints: PoolRate
}

/** Of 1. */
export type PoolRate = {
  /** Null: nothing was sent within the window. */
  rate: number | null
  /** The lowest share that the numbers are likely to come from: the rule compares it with its limit for a pause. */
  at_least: number
}

const rateOf = (count: number, of: number): PoolRate => ({
  rate: of === 0 ? null : count / of,
  at_least: likelyShare(count, of),
})

async function readPage(
  db: Queryable,
  {
    tenantId = null,
    after = FIRST_TENANT,
    limit,
  }: { tenantId?: string | null; after?: string | undefined; limit: number },
): Promise<PoolTenant[]> {
  const { window_days: windowDays } = await readPoolSetting(db)
  const { rows } = await db.query<Omit<PoolTenant, 'bounces' | 'complaints'>>({
    name: 'list-pool-tenants',
    text: `
      with wanted as materialized (
        select tenant_id from (
          select tenant_id from reputation_hour where hour > now() - $2::int4 * interval '1 day'
          union select tenant_id from abuse_state where state <> 'ok'
          union select id from tenant where pool_ceiling is not null
          union select $1::uuid where $1 is not null
        ) w
        where tenant_id > $3 and ($1::uuid is null or tenant_id = $1)
        order by tenant_id limit $4
      )
      select t.id as "tenantId", t.name, coalesce(a.state, 'ok') as state, case when a.state <> 'ok' then a.since end as since,
             case when a.state <> 'ok' then a.by end as by, case when a.state <> 'ok' then a.why end as why, t.pool_ceiling as ceiling,
             u.pool_limit as limit, coalesce(u.pool, 0) as used, coalesce(h.handed, 0)::int4 as handed,
             coalesce(h.bounced, 0)::int4 as bounced, coalesce(h.complained, 0)::int4 as complained,
             (select count(*) from outbox o where o.tenant_id = t.id and o.phase = 'waiting' and o.wait_version is not null)::int4 as held
      from wanted w
      join tenant t on t.id = w.tenant_id
      left join abuse_state a on a.tenant_id = t.id
      left join usage u on u.tenant_id = t.id and u.mode = 'live' and u.day = (now() at time zone 'utc')::date
      left join lateral (
        select sum(r.handed) as handed, sum(r.bounced_hard) as bounced, sum(r.complained) as complained from reputation_hour r
        where r.tenant_id = t.id and r.hour > now() - $2::int4 * interval '1 day'
          and r.hour >= date_trunc('hour', coalesce(a.window_from, '-infinity'))
      ) h on true
      order by t.id`,
    values: [tenantId, windowDays, after, limit],
  })
  return rows.map((row) => ({
    ...row,
    bounces: rateOf(row.bounced, row.handed),
    complaints: rateOf(row.complained, row.handed),
  }))
}

/** Tenants that used the pool within the window, or that are warned, paused or limited, by their ids. */
export function listPoolTenants(
  db: Queryable,
  page: { after?: string | undefined; limit: number },
): Promise<PoolTenant[]> {
  return readPage(db, page)
}

/** One tenant, whether it uses the pool or not; undefined: there is none with this id. */
export async function readPoolTenant(db: Queryable, tenantId: string): Promise<PoolTenant | undefined> {
  const [row] = await readPage(db, { tenantId, limit: 1 })
  return row
}

/** A ceiling by the operator ends its rise by itself; null removes it. False: there is no such tenant. */
export async function setPoolCeiling(
  db: Queryable,
  tenantId: string,
  ceiling: number | null,
): Promise<boolean> {
  const { rowCount } = await db.query({
    name: 'set-pool-ceiling',
    text: `
      update tenant set pool_ceiling = $2, pool_ramp = false, connections_version = connections_version + 1
      where id = $1`,
    values: [tenantId, ceiling],
  })
  return rowCount === 1
}

/** For metrics. */
export async function countPool(db: Queryable): Promise<{ paused: number; warned: number }> {
  const { rows } = await db.query<{ paused: number; warned: number }>({
    name: 'count-pool-states',
    text: `
      select count(*) filter (where state = 'paused')::int4 as paused, count(*) filter (where state = 'warned')::int4 as warned
      from abuse_state where state <> 'ok'`,
  })
  return rows[0] ?? { paused: 0, warned: 0 }
}
