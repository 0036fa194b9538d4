import type { Queryable } from '@lettergate/db/pool'
import type { ConnectionLimits } from './list-connections.ts'

export type NewConnectionRow = {
  tenantId: string
  id: string
  provider: string
  name: string
  priority: number
  settings: unknown
  /** None unless given. */
  limits?: ConnectionLimits | null
  sealedCredentials: Buffer
  dataKeyVersion: number
}

/**
 * Stores a connection; messages that are loaded from now on may use it. False if it is one more than `max`; exact after `lockTenant`.
 */
export async function insertConnection(db: Queryable, row: NewConnectionRow, max: number): Promise<boolean> {
  const { rowCount } = await db.query({
    name: 'connection-insert',
    text: `
      with changed as (
        update tenant set connections_version = connections_version + 1 where id = $1
      )
      insert into connection (tenant_id, id, provider, name, priority, settings, limits, sealed_credentials, data_key_version)
      select $1, $2, $3, $4, $5, $6, $7, $8, $9
      where (select count(*) from connection where tenant_id = $1) < $10::int4`,
    values: [
      row.tenantId,
      row.id,
      row.provider,
      row.name,
      row.priority,
      JSON.stringify(row.settings),
      row.limits && JSON.stringify(row.limits),
      row.sealedCredentials,
      row.dataKeyVersion,
      max,
    ],
  })
  return rowCount === 1
}
