import type { Queryable } from '../pool.ts'
import type { ConnectionLimits } from './connection-list.ts'

/** What is left out stays as it is. */
export type ConnectionChange = {
  name?: string | undefined
  priority?: number | undefined
  settings?: unknown
  /** Null removes them. */
  limits?: ConnectionLimits | null | undefined
  enabled?: boolean | undefined
}

/** Changes a connection for every message that is loaded from now on; false if the tenant has none of this id. */
export async function updateConnection(
  db: Queryable,
  tenantId: string,
  id: string,
  change: ConnectionChange,
): Promise<boolean> {
  const { name, priority, settings, limits, enabled } = change
  const { rowCount } = await db.query({
    name: 'connection-update',
    text: `
      with changed as (
        update tenant set connections_version = connections_version + 1 where id = $1
      )
      update connection
      set name = coalesce($3, name), priority = coalesce($4, priority), settings = coalesce($5::jsonb, settings),
          limits = case when $6 then $7::json else limits end, enabled = coalesce($8, enabled), updated_at = now()
      where tenant_id = $1 and id = $2`,
    values: [
      tenantId,
      id,
      name,
      priority,
      settings === undefined ? undefined : JSON.stringify(settings),
      limits !== undefined,
      limits && JSON.stringify(limits),
      enabled,
    ],
  })
  return rowCount === 1
}
