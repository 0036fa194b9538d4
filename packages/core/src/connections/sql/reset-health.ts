import type pg from 'pg'

/** Why it may work again: the tenant changed it, or its provider said that the account is good. */
export type HealthReset = 'changed' | 'tested'

/**
 * What was found out about a connection before it was changed says nothing of it any more: its circuit is probed by the next message,
 * and what waits is looked at again. The row stays, for what else is counted in it. A test proves less than a change: the provider's
 * own wish for a pause holds, and so does how long a circuit stays open whose probe fails after all. Nothing if it is well.
 * A probe that is under way with what was there before must not open it again, hence not `half-open`. The tenant is locked first, as
 * by every change of its connections.
 */
export function resetHealth(
  tenantId: string,
  id: string,
  why: HealthReset,
): pg.QueryConfig & { values: unknown[] } {
  return {
    name: 'reset-health',
    text: `
      with locked as materialized (
        select from tenant where id = $1 for no key update
      ), reset as (
        update connection_health
        set state = case when state = 'half-open' then 'open' else state end,
            opened = case when $3 then least(opened, 1) else opened end,
            retry_at = case when state = 'closed' then retry_at else now() end, probe_until = null,
            paused_until = case when $3 then null else paused_until end,
            pause_reason = case when $3 then null else pause_reason end
        where tenant_id = $1 and connection_id = $2 and (state <> 'closed' or ($3 and paused_until > now()))
          and exists (select from locked)
        returning connection_id
      ), changed as (
        update tenant set connections_version = connections_version + 1 where id = $1 and exists (select from reset)
      )
      select pg_notify('lg_connection', connection_id::text) from reset`,
    values: [tenantId, id, why === 'changed'],
  }
}
