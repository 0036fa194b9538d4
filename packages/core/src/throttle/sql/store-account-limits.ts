import type { Queryable } from '@lettergate/db/pool'
import type { ConnectionKey } from './connection-key.ts'

/** Limits that a provider reported; its day may be a rolling one. */
export type ReportedLimits = { perSecond?: number; perDay?: number }

/**
 * Stores the limits that a provider reported. False if the row is gone; its successor is polled again.
 * 1. `used` is the provider's own count of the day, absent if it reports none. Recipients sent while it answered are added, because its
 *    count may lack them (`usedWhenAsked`: our count when the poll was sent).
 * 2. New limits raise `connections_version`, so waiting messages are rescheduled.
 *
 * The tenant's row is locked first, as deleting a connection does.
 */
export async function storeAccountLimits(
  db: Queryable,
  key: ConnectionKey,
  reported: ReportedLimits & { used?: number | undefined },
  usedWhenAsked: number,
): Promise<boolean> {
  const { used = null, ...limits } = reported
  const { rowCount } = await db.query({
    name: 'store-account-limits',
    text: `
      with owner as materialized (
        select id from tenant where id = $1 for no key update
      ), before as materialized (
        select o.id, h.reported_limits::jsonb is distinct from $3::jsonb as is_new
        from owner o join connection_health h on h.tenant_id = o.id and h.connection_id = $2
        for no key update of h
      ), reported as (
        update connection_health h
        set reported_limits = $3::json from before b where h.tenant_id = b.id and h.connection_id = $2
      ), counted as (
        insert into connection_usage as u (tenant_id, connection_id, day, used, reported_used, reported_at)
        select b.id, $2, (now() at time zone 'utc')::date, 0, $4::int4, now() from before b
        on conflict (tenant_id, connection_id) do update
          set reported_used = excluded.reported_used + greatest(0, coalesce(u.reported_used, 0) - $5::int4), reported_at = now()
      ), changed as (
        update tenant t set connections_version = t.connections_version + 1 from before b where t.id = b.id and b.is_new
      )
      select case when b.is_new then pg_notify('lg_connection', $2::uuid::text) end from before b`,
    values: [key.tenantId, key.connectionId, JSON.stringify(limits), used, usedWhenAsked],
  })
  return rowCount === 1
}
