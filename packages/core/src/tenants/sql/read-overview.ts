import type { Queryable } from '@lettergate/db/pool'
import { POOL_PLAN } from '../../lib/index.ts'

export type OverviewRow = {
  tenants: { active: number; suspended: number; by_plan: Record<string, number> }
  today: { live: number; test: number }
  backlog: { ready: number; waiting: number; held: number; sending: number; oldest_seconds: number }
  connections: { open: number; paused: number }
  jobs: number
}

/** One look at the whole gateway. */
export async function readOverview(db: Queryable): Promise<OverviewRow> {
  const { rows } = await db.query<OverviewRow>({
    name: 'read-overview',
    text: `
      select
        (select json_build_object(
           'active', count(*) filter (where suspended_at is null), 'suspended', count(*) filter (where suspended_at is not null),
           'by_plan', (select coalesce(json_object_agg(plan, n order by plan), '{}')
                       from (select plan, count(*) as n from tenant where plan <> '${POOL_PLAN}' group by plan) p))
         from tenant where plan <> '${POOL_PLAN}') as tenants,
        (select json_build_object(
           'live', coalesce(sum(accepted) filter (where mode = 'live'), 0), 'test', coalesce(sum(accepted) filter (where mode = 'test'), 0))
         from tenant t join usage u on u.tenant_id = t.id and u.day = (now() at time zone 'utc')::date) as today,
        (select json_build_object(
           'ready', count(*) filter (where phase = 'ready'), 'waiting', count(*) filter (where phase = 'waiting' and held_at is null),
           'held', count(*) filter (where held_at is not null), 'sending', count(*) filter (where phase = 'held'),
           'oldest_seconds', greatest(0, floor(coalesce(extract(epoch from now() - min(due_at) filter (where phase = 'ready')), 0))))
         from (select phase, due_at, held_at from outbox limit 300000) o) as backlog,
        (select json_build_object(
           'open', count(*) filter (where state <> 'closed'), 'paused', count(*) filter (where paused_until > now()))
         from connection_health) as connections,
        (select count(*)::int4 from message_job where state in ('waiting', 'running')) as jobs`,
  })
  const [row] = rows
  if (!row) throw new Error('the overview has one row')
  return row
}
