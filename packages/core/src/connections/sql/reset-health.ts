import type pg from 'pg'

/** Why the connection may work again: the tenant changed it, or a test succeeded. */
export type HealthReset = 'changed' | 'tested'

/**
 * Resets the circuit and the pause of a connection after a change: the next message probes it, and waiting messages are rescheduled. Does
 * nothing if the connection is healthy.
 * 1. A successful test proves less than a change: a pause and the growing time of an open circuit stay.
 * 2. `half-open` becomes `open`: a probe in progress with the old settings must not open the circuit again.
 * 3. The tenant is locked first, as by every change of its connections.
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
