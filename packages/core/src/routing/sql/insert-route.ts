import type { Queryable } from '@lettergate/db/pool'
import type { RouteRow } from './list-routes.ts'

export type NewRouteRow = Omit<RouteRow, 'created_at' | 'updated_at'> & { tenantId: string }

/** Stores a route; messages that are loaded from now on follow it. False if it is one more than `max`; exact after `lockTenant`. */
export async function insertRoute(db: Queryable, row: NewRouteRow, max: number): Promise<boolean> {
  const { rowCount } = await db.query({
    name: 'route-insert',
    text: `
      with changed as (
        update tenant set connections_version = connections_version + 1 where id = $1
      )
      insert into route (tenant_id, id, position, name, match, strategy, targets, enabled)
      select $1, $2, $3, $4, $5, $6, $7, $8
      where (select count(*) from route where tenant_id = $1) < $9::int4`,
    values: [
      row.tenantId,
      row.id,
      row.position,
      row.name,
      JSON.stringify(row.match),
      row.strategy,
      JSON.stringify(row.targets),
      row.enabled,
      max,
    ],
  })
  return rowCount === 1
}
