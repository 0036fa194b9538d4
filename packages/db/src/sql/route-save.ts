import type { Queryable } from '../pool.ts'
import type { RouteRow } from './route-list.ts'

export type SavedRoute = Omit<RouteRow, 'created_at' | 'updated_at'> & { tenantId: string }

/**
 * Stores a route or replaces one; messages that are loaded from now on follow it. False if a new one would be one more than `max`.
 * An update that comes after a deletion must not bring the route back: `isNew` says which of the two it is.
 */
export async function saveRouteRow(
  db: Queryable,
  row: SavedRoute,
  options: { isNew: boolean; max: number },
): Promise<boolean> {
  const { rowCount } = await db.query({
    name: options.isNew ? 'route-insert' : 'route-update',
    text: options.isNew ? INSERT : UPDATE,
    values: [
      row.tenantId,
      row.id,
      row.position,
      row.name,
      JSON.stringify(row.match),
      row.strategy,
      JSON.stringify(row.targets),
      row.enabled,
      ...(options.isNew ? [options.max] : []),
    ],
  })
  return rowCount === 1
}

const INSERT = `
with changed as (
  update tenant set connections_version = connections_version + 1 where id = $1
)
insert into route (tenant_id, id, position, name, match, strategy, targets, enabled)
select $1, $2, $3, $4, $5, $6, $7, $8
where (select count(*) from route where tenant_id = $1) < $9::int4`

const UPDATE = `
with changed as (
  update tenant set connections_version = connections_version + 1 where id = $1
)
update route set position = $3, name = $4, match = $5, strategy = $6, targets = $7, enabled = $8, updated_at = now()
where tenant_id = $1 and id = $2`
