import type { Queryable } from '@lettergate/db/pool'

/** Removes a route for every message that is loaded from now on; false if the tenant has none of this id. */
export async function deleteRouteRow(db: Queryable, tenantId: string, id: string): Promise<boolean> {
  const { rowCount } = await db.query({
    name: 'route-delete',
    text: `
      with changed as (
        update tenant set connections_version = connections_version + 1 where id = $1
      )
      delete from route where tenant_id = $1 and id = $2`,
    values: [tenantId, id],
  })
  return rowCount === 1
}
