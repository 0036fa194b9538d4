import type { Queryable } from '@lettergate/db/pool'
import type { ConnectionLimits } from './list-connections.ts'

/** What is left out stays as it is. */
export type ConnectionChange = {
  name?: string | undefined
  priority?: number | undefined
  settings?: unknown
  /** Null removes them. */
  limits?: ConnectionLimits | null | undefined
  enabled?: boolean | undefined
  credentials?: { sealed: Buffer; dataKeyVersion: number } | undefined
  /** Only while the settings are still these: what was decided by them holds no longer when somebody else has changed them. */
  ifSettings?: unknown
}

const toJson = (value: unknown) => (value === undefined ? undefined : JSON.stringify(value))

/**
 * Changes a connection for every message that is loaded from now on; settings and credentials together, so that no hand-off takes
 * the ones to where the others lead. False if the tenant has none of this id, or not with these settings.
 */
export async function updateConnection(
  db: Queryable,
  tenantId: string,
  id: string,
  change: ConnectionChange,
): Promise<boolean> {
  const { name, priority, settings, limits, enabled, credentials, ifSettings } = change
  const { rowCount } = await db.query({
    name: 'connection-update',
    text: `
      with changed as (
        update tenant set connections_version = connections_version + 1 where id = $1
      )
      update connection
      set name = coalesce($3, name), priority = coalesce($4, priority), settings = coalesce($5::jsonb, settings),
          limits = case when $6 then $7::json else limits end, enabled = coalesce($8, enabled),
          sealed_credentials = coalesce($9, sealed_credentials), data_key_version = coalesce($10, data_key_version),
          credentials_rotated_at = case when $9::bytea is null then credentials_rotated_at else now() end, updated_at = now()
      where tenant_id = $1 and id = $2 and ($11::jsonb is null or settings = $11)`,
    values: [
      tenantId,
      id,
      name,
      priority,
      toJson(settings),
      limits !== undefined,
      limits && JSON.stringify(limits),
      enabled,
      credentials?.sealed,
      credentials?.dataKeyVersion,
      toJson(ifSettings),
    ],
  })
  return rowCount === 1
}
