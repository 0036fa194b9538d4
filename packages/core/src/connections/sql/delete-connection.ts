import type { Queryable } from '@lettergate/db/pool'

export type DeletedConnection = {
  /** Routes with no other target. */
  disabledRoutes: string[]
}

/**
 * Removes a connection permanently, for every message that is loaded from now on, and its place in routes; null if the tenant has none of
 * this id. A route without a target is disabled: enabled, it would hold every message that fits it, although others could send them.
 * It is kept, because its conditions are the tenant's own work.
 */
export async function deleteConnectionRow(
  db: Queryable,
  tenantId: string,
  id: string,
): Promise<DeletedConnection | null> {
  const { rows } = await db.query<{ is_deleted: boolean; disabled_routes: string[] }>({
    name: 'delete-connection',
    text: `
      with changed as (
        update tenant set connections_version = connections_version + 1 where id = $1
      ), deleted as (
        delete from connection where tenant_id = $1 and id = $2 returning 1
      ), shorter as materialized (
        select r.id, r.enabled, (
          select coalesce(json_agg(t.value order by t.ordinality), '[]')
          from json_array_elements(r.targets) with ordinality t where t.value ->> 'connection_id' <> $2::text
        ) as targets
        from route r
        where r.tenant_id = $1 and exists (select from deleted)
          and exists (select from json_array_elements(r.targets) t where t ->> 'connection_id' = $2::text)
      ), dropped as (
        update route r
        set targets = s.targets, enabled = s.enabled and json_array_length(s.targets) > 0, updated_at = now()
        from shorter s where r.tenant_id = $1 and r.id = s.id
      )
      select exists (select from deleted) as is_deleted,
             array(select id from shorter where enabled and json_array_length(targets) = 0 order by id) as disabled_routes`,
    values: [tenantId, id],
  })
  const [row] = rows
  return row?.is_deleted ? { disabledRoutes: row.disabled_routes } : null
}
