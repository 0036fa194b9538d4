import type { Queryable } from '@lettergate/db/pool'
import type { ConnectionKey } from './connection-key.ts'

/** The limits that a provider told; the day may be a rolling one. */
export type ReportedLimits = { perSecond?: number; perDay?: number }

/**
 * Keeps what a provider said that a connection may send. `used`: what it counts of its day, absent if it does not; what was handed over
 * while it answered is added, since it may not have seen that yet (`usedWhenAsked`: what was counted when the question left).
 * Other limits than before are pending for all workers, and for the messages that wait for the old ones, which their sending times were
 * reserved by: both as if the tenant had changed its own. False if the row is gone; whoever makes it anew asks again.
 *
 * The tenant's row is locked first, as deleting a connection does.
 */
export async function storeAccountLimits(
  db: Queryable,
  key: ConnectionKey,
  told: ReportedLimits & { used?: number | undefined },
  usedWhenAsked: number,
): Promise<boolean> {
  const { used = null, ...limits } = told
  const { rowCount } = await db.query({
    name: 'throttle-told',
    text: `
      with owner as materialized (
        select id from tenant where id = $1 for no key update
      ), before as materialized (
        select o.id, h.told::jsonb is distinct from $3::jsonb as is_new
        from owner o join connection_health h on h.tenant_id = o.id and h.connection_id = $2
        for no key update of h
      ), told as (
        update connection_health h
        set told = $3::json from before b where h.tenant_id = b.id and h.connection_id = $2
      ), counted as (
        insert into connection_usage as u (tenant_id, connection_id, day, used, told_used, told_at)
        select b.id, $2, (now() at time zone 'utc')::date, 0, $4::int4, now() from before b
        on conflict (tenant_id, connection_id) do update
          set told_used = excluded.told_used + greatest(0, coalesce(u.told_used, 0) - $5::int4), told_at = now()
      ), changed as (
        update tenant t set connections_version = t.connections_version + 1 from before b where t.id = b.id and b.is_new
      )
      select case when b.is_new then pg_notify('lg_connection', $2::uuid::text) end from before b`,
    values: [key.tenantId, key.connectionId, JSON.stringify(limits), used, usedWhenAsked],
  })
  return rowCount === 1
}
