import { column, rowArray } from '@lettergate/db/composite-rows'
import type { Queryable } from '@lettergate/db/pool'
import type { ConnectionKey } from './connection-key.ts'
import { HEALTH_COLUMNS, type Health } from './sync-health.ts'

const keyArray = rowArray<ConnectionKey>('connection_key', [
  column('uuid', (key) => key.tenantId),
  column('uuid', (key) => key.connectionId),
])

/** Reads the health of connections; one without a row is healthy and missing from the answer. */
export async function readHealth(db: Queryable, keys: ConnectionKey[]): Promise<Health[]> {
  const { rows } = await db.query<Health>({
    name: 'read-health',
    text: `
      select ${HEALTH_COLUMNS}
      from unnest($1::connection_key[]) k
      join connection_health h on h.tenant_id = k.tenant_id and h.connection_id = k.connection_id`,
    values: [await keyArray(db, keys)],
  })
  return rows
}
