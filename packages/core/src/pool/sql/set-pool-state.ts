import type { Queryable } from '@lettergate/db/pool'
import { appendAccountEvents, NOTIFY_FEED } from '../../lib/index.ts'

export type PoolState = 'ok' | 'warned' | 'paused'

/**
 * Changes how a tenant stands with the pool, with an event of its account; false: it stands so already, or there is no such tenant. The
 * version of its connections rises, so that held mail is looked at again; triggers set today's share. `by` the operator, a release begins
 * the window anew. A tenant whose ceiling rises with good days begins from the start after a pause.
 */
export async function setPoolState(
  db: Queryable,
  tenantId: string,
  to: { state: PoolState; by: 'rule' | 'operator'; why: string },
): Promise<boolean> {
  const { rows } = await db.query<{ changed: boolean }>({
    name: 'set-pool-state',
    text: `
      with owner as materialized (
        select id from tenant where id = $1 for no key update
      ), before as materialized (
        select o.id, coalesce((select state from abuse_state a where a.tenant_id = o.id for no key update), 'ok') as state from owner o
      ), changed as (
        insert into abuse_state as a (tenant_id, state, by, why, window_from)
        select id, $2, $3, $4, case when $2 = 'ok' and $3 = 'operator' then now() else '-infinity' end
        from before b
        -- Only the operator ends a pause.
        where b.state <> $2 and ($3 = 'operator' or b.state <> 'paused')
        on conflict (tenant_id) do update
          set state = excluded.state, by = excluded.by, why = excluded.why, since = now(),
              window_from = greatest(a.window_from, excluded.window_from)
        returning tenant_id
      ), raised as (
        update tenant t
        set connections_version = t.connections_version + 1,
            pool_ceiling = case when $2 = 'paused' and t.pool_ramp then (select ramp_from from pool_setting) else t.pool_ceiling end
        from changed c where t.id = c.tenant_id
      ), ${appendAccountEvents(`
        select c.tenant_id, 'pool.' || case $2 when 'ok' then 'resumed' else $2 end as type,
               json_build_object('reason', $4::text) as data
        from changed c join before b on b.id = c.tenant_id
        -- A warning that passes is no news.
        where not ($2 = 'ok' and b.state = 'warned')`)}
      select exists (select from changed) as changed, ${NOTIFY_FEED}`,
    values: [tenantId, to.state, to.by, to.why],
  })
  return rows[0]?.changed === true
}
