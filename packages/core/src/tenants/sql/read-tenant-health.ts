import type { Queryable } from '@lettergate/db/pool'

/** Messages counted; a figure of this size means as many or more. */
export const COUNTED_MAX = 100_000

export type TenantHealthRow = {
  connections: {
    id: string
    provider: string
    name: string
    enabled: boolean
    state: 'closed' | 'open' | 'half-open'
    code: string | null
    reason: string | null
    paused_until: string | null
  }[]
  /** Why messages wait, and how many. */
  waiting: { reason: string; messages: number; oldest_seconds: number }[]
  ready: number
  sending: number
  /** Addresses that came on the suppression list in the last 24 hours. */
  suppressed: Record<string, number>
}

const WHY = `case when held_at is not null then 'held' when wait_why is not null then wait_why
                  when lost_workers >= 3 then 'set-aside' when wait_version is not null then 'no-connection' else 'time' end`

/** The state of a tenant's connections, and of its mail. */
export async function readTenantHealth(db: Queryable, tenantId: string): Promise<TenantHealthRow> {
  const { rows } = await db.query<TenantHealthRow>({
    name: 'read-tenant-health',
    text: `
      select
        coalesce((
          select json_agg(json_build_object(
            'id', c.id, 'provider', c.provider, 'name', c.name, 'enabled', c.enabled, 'state', coalesce(h.state, 'closed'),
            'code', h.code, 'reason', h.reason,
            'paused_until', case when h.paused_until > now() then h.paused_until end) order by c.priority, c.id)
          from connection c
          left join connection_health h on h.tenant_id = c.tenant_id and h.connection_id = c.id
          where c.tenant_id = $1), '[]') as connections,
        coalesce((
          select json_agg(json_build_object('reason', w.reason, 'messages', w.n, 'oldest_seconds', w.oldest) order by w.n desc, w.reason)
          from (
            select reason, count(*) as n, floor(extract(epoch from now() - min(since)))::int8 as oldest
            from (
              select ${WHY} as reason, coalesce(held_at, least(first_due_at, now())) as since
              from outbox where tenant_id = $1 and phase = 'waiting' limit ${COUNTED_MAX}) o
            group by reason) w), '[]') as waiting,
        (select count(*)::int4 from (
           select from outbox where tenant_id = $1 and phase = 'ready' limit ${COUNTED_MAX}) r) as ready,
        (select count(*)::int4 from outbox where tenant_id = $1 and phase = 'held') as sending,
        coalesce((
          select json_object_agg(reason, n) from (
            select reason, count(*) as n from suppression
            where tenant_id = $1 and mode = 'live' and created_at > now() - interval '1 day' and reason in ('hard_bounce', 'complaint', 'unsubscribe')
            group by reason) s), '{}') as suppressed`,
    values: [tenantId],
  })
  return rows[0] ?? { connections: [], waiting: [], ready: 0, sending: 0, suppressed: {} }
}
