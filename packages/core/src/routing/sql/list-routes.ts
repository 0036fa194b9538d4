import type { Queryable } from '@lettergate/db/pool'

export type RouteMatchRow = {
  stream?: 'transactional' | 'bulk'
  tag?: string
  from_domain?: string
  recipient_domain?: string
}

export type RouteTargetRow = { connection_id: string; weight: number }

export type RouteRow = {
  id: string
  position: number
  name: string
  match: RouteMatchRow
  strategy: 'ordered' | 'weighted'
  targets: RouteTargetRow[]
  enabled: boolean
  created_at: Date
  updated_at: Date
}

/** A tenant's routes in the order in which they are looked at; with `id`, that one alone. */
export async function listRouteRows(
  db: Queryable,
  tenantId: string,
  id: string | null = null,
): Promise<RouteRow[]> {
  const { rows } = await db.query<RouteRow>({
    name: 'route-list',
    text: `
      select id, position, name, match, strategy, targets, enabled, created_at, updated_at
      from route where tenant_id = $1 and ($2::uuid is null or id = $2)
      order by position, id`,
    values: [tenantId, id],
  })
  return rows
}
