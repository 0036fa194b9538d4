import type { Queryable } from '@lettergate/db/pool'
import type { ConnectionKey } from './connection-key.ts'

/** Closes a circuit for all workers and writes an event; does nothing if it is closed. */
export async function closeCircuit(db: Queryable, key: ConnectionKey): Promise<void> {
  await db.query({
    name: 'close-circuit',
    text: `
      with closed as (
        update connection_health
        set state = 'closed', since = now(), code = null, reason = null, opened = 0, retry_at = null, probe_until = null
        where tenant_id = $1 and connection_id = $2 and state <> 'closed'
        returning tenant_id, connection_id
      ), reported as (
        insert into connection_event (tenant_id, connection_id, type)
        select tenant_id, connection_id, 'connection.healthy' from closed
      )
      select pg_notify('lg_connection', connection_id::text) from closed`,
    values: [key.tenantId, key.connectionId],
  })
}
