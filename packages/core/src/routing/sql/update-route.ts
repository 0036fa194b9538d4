import type { Queryable } from '@lettergate/db/pool'
import type { RouteRow } from './list-routes.ts'

type Changeable = Pick<RouteRow, 'position' | 'name' | 'match' | 'strategy' | 'targets' | 'enabled'>

/** What is left out stays as it is. */
export type RouteChange = { [K in keyof Changeable]?: Changeable[K] | undefined }

/**
 * Changes a route for every message that is loaded from now on; two changes at once of different fields both hold. False if the tenant
 * has none of this id, or if it would be looked at and lead nowhere.
 */
export async function updateRoute(
  db: Queryable,
  tenantId: string,
  id: string,
  change: RouteChange,
): Promise<boolean> {
  const { position, name, match, strategy, targets, enabled } = change
  const { rowCount } = await db.query({
    name: 'route-update',
    text: `
      with changed as (
        update tenant set connections_version = connections_version + 1 where id = $1
      )
      update route
      set position = coalesce($3, position), name = coalesce($4, name), match = coalesce($5::json, match),
          strategy = coalesce($6, strategy), targets = coalesce($7::json, targets), enabled = coalesce($8, enabled),
          updated_at = now()
      where tenant_id = $1 and id = $2
        and not (coalesce($8, enabled) and json_array_length(coalesce($7::json, targets)) = 0)`,
    values: [
      tenantId,
      id,
      position,
      name,
      match && JSON.stringify(match),
      strategy,
      targets && JSON.stringify(targets),
      enabled,
    ],
  })
  return rowCount === 1
}
