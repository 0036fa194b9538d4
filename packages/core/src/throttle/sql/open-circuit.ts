import type { Queryable } from '@lettergate/db/pool'
import type { ConnectionKey } from './connection-key.ts'

type Opening = ConnectionKey & {
  code: string
  reason: string
  /** Opened by a failed probe; otherwise only a closed circuit opens. */
  isProbe: boolean
}

/**
 * Opens the circuit of a connection for all workers, for twice as long as the time before. Only the first worker changes the row and writes
 * an event. Answers for how long the circuit is open; null if another worker was first.
 */
export async function openCircuit(
  db: Queryable,
  { tenantId, connectionId, code, reason, isProbe }: Opening,
  times: { firstMs: number; mostMs: number },
): Promise<number | null> {
  const { rows } = await db.query<{ ms: number }>({
    name: 'open-circuit',
    text: `
      with opened as (
        insert into connection_health as h (tenant_id, connection_id, state, code, reason, opened, retry_at)
        values ($1, $2, 'open', $3, $4, 1, now() + $6::float8 * interval '1 ms')
        on conflict (tenant_id, connection_id) do update
          set state = 'open', code = excluded.code, reason = excluded.reason, opened = h.opened + 1, probe_until = null,
              since = case when h.state = 'closed' then now() else h.since end,
              retry_at = now() + least($7::float8, $6::float8 * 2 ^ least(h.opened, 30)) * interval '1 ms'
          where h.state = 'closed' or ($5::boolean and h.state = 'half-open')
        returning *
      ), reported as (
        insert into connection_event (tenant_id, connection_id, type, code, reason)
        select tenant_id, connection_id, 'connection.unhealthy', code, reason from opened where opened = 1
      )
      select (extract(epoch from retry_at - now()) * 1000)::float8 as ms, pg_notify('lg_connection', connection_id::text)
      from opened`,
    values: [tenantId, connectionId, code, reason, isProbe, times.firstMs, times.mostMs],
  })
  return rows[0]?.ms ?? null
}
