import { toPublicId } from '@lettergate/contracts/lib/ids'
import type { Route } from '@lettergate/contracts/routes/routes'
import { toConnectionName } from '@lettergate/core/lib'
import type { RouteRow } from '@lettergate/core/routing'

/** Presents a route. */
export function presentRoute(row: RouteRow): Route {
  return {
    id: toPublicId('rte', row.id),
    name: row.name,
    position: row.position,
    match: row.match,
    strategy: row.strategy,
    targets: row.targets.map(({ connection_id, weight }) => ({
      connection: toConnectionName(connection_id),
      weight,
    })),
    enabled: row.enabled,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  }
}
