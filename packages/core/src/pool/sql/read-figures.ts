import type { Queryable } from '@lettergate/db/pool'
import type { Figures } from '../abuse-rule.ts'

/**
 * Tenants that are to be judged: 25 bounces or complaints came since the last look, or fewer and an hour has passed; and those that were
 * warned, each hour. The tenants are locked for this transaction, as by everybody who changes them, and other workers skip them.
 */
export async function takeDueTenants(
  db: Queryable,
  bounds: { events: number; limit: number },
): Promise<string[]> {
  const { rows } = await db.query<{ tenant_id: string }>({
    name: 'take-due-reputations',
    text: `
      with news as materialized (
        select tenant_id, sum(unseen) as n from reputation_hour where unseen > 0 group by tenant_id
      ), due as materialized (
        select n.tenant_id from news n left join abuse_state a using (tenant_id)
        where n.n >= $1 or coalesce(a.looked_at, '-infinity') < now() - interval '1 hour'
        union
        select tenant_id from abuse_state where state = 'warned' and coalesce(looked_at, '-infinity') < now() - interval '1 hour'
        limit $2
      ), made as (
        insert into abuse_state (tenant_id, state, by, why) select tenant_id, 'ok', 'rule', 'nothing is known against it' from due
        order by tenant_id
        on conflict do nothing
      )
      select tenant_id from due order by tenant_id`,
    values: [bounds.events, bounds.limit],
  })
  const locked = await db.query<{ tenant_id: string }>({
    name: 'lock-due-reputations',
    text: 'select id as tenant_id from tenant where id = any ($1::uuid[]) order by id for no key update skip locked',
    values: [rows.map((row) => row.tenant_id)],
  })
  return locked.rows.map((row) => row.tenant_id)
}

/** The figures of these tenants, which count as seen from then on. */
export async function readFigures(
  db: Queryable,
  tenantIds: readonly string[],
  windowDays: number,
): Promise<(Figures & { tenantId: string })[]> {
  const { rows } = await db.query<{
    tenantId: string
    handed: number
    bounced: number
    complained: number
    day_bounced: number
    day_complained: number
    isNew: boolean
  }>({
    name: 'read-reputations',
    text: `
      with seen as (
        update reputation_hour set unseen = 0 where tenant_id = any ($1::uuid[]) and unseen > 0
      ), looked as (
        update abuse_state set looked_at = now() where tenant_id = any ($1::uuid[])
      )
      select a.tenant_id as "tenantId", t.created_at > now() - interval '30 days' as "isNew",
             coalesce(sum(h.handed), 0)::int4 as handed, coalesce(sum(h.bounced_hard), 0)::int4 as bounced,
             coalesce(sum(h.complained), 0)::int4 as complained,
             coalesce(sum(h.bounced_hard) filter (where h.hour > now() - interval '24 hours'), 0)::int4 as day_bounced,
             coalesce(sum(h.complained) filter (where h.hour > now() - interval '24 hours'), 0)::int4 as day_complained
      from abuse_state a
      join tenant t on t.id = a.tenant_id
      left join reputation_hour h
        on h.tenant_id = a.tenant_id and h.hour > now() - $2::int4 * interval '1 day' and h.hour >= date_trunc('hour', a.window_from)
      where a.tenant_id = any ($1::uuid[])
      group by 1, 2`,
    values: [tenantIds, windowDays],
  })
  return rows.map(({ day_bounced, day_complained, ...row }) => ({
    ...row,
    lastDay: { bounced: day_bounced, complained: day_complained },
  }))
}
