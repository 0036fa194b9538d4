import type { Queryable } from '../pool.ts'

/** Removes a connection for good, for every message that is loaded from now on; false if the tenant has none of this id. */
export async function deleteConnectionRow(db: Queryable, tenantId: string, id: string): Promise<boolean> {
  const { rowCount } = await db.query({
    name: 'connection-delete',
    text: `
      with changed as (
        update tenant set connections_version = connections_version + 1 where id = $1
      )
      delete from connection where tenant_id = $1 and id = $2`,
    values: [tenantId, id],
  })
  return rowCount === 1
}
