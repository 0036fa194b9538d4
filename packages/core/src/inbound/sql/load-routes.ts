import type { Queryable } from '@lettergate/db/pool'

export type RouteToMatch = {
  tenantId: string
  mode: 'live' | 'test'
  /** Null: the tenant has no route here. */
  id: string | null
  match: unknown
}

/** Live routes for a domain, of the tenant that has proved it. */
export async function loadDomainRoutes(db: Queryable, domain: string): Promise<RouteToMatch[]> {
  const { rows } = await db.query<RouteToMatch>({
    name: 'load-inbound-domain-routes',
    text: `
      with owner as materialized (
        select t.tenant_id from (select distinct tenant_id from inbound_route where domain = $1) t
        where $1 = any (proved_domains(t.tenant_id))
      )
      select r.tenant_id as "tenantId", r.mode, r.id, r.match from owner o
      join inbound_route r on r.tenant_id = o.tenant_id
      where r.domain = $1 and r.mode = 'live' and r.enabled
      order by r.position, r.id`,
    values: [domain],
  })
  return rows
}

/** Routes for a tenant's own address. */
export async function loadOwnRoutes(
  db: Queryable,
  { tenantId, mode }: { tenantId: string; mode: string },
): Promise<RouteToMatch[]> {
  const { rows } = await db.query<RouteToMatch>({
    name: 'load-inbound-own-routes',
    text: `
      select tenant_id as "tenantId", mode, id, match from inbound_route
      where tenant_id = $1 and mode = $2 and domain is null and enabled
      order by position, id`,
    values: [tenantId, mode],
  })
  return rows
}

/** Routes for the address under the operator's domain that this token names. */
export async function loadTokenRoutes(db: Queryable, token: string): Promise<RouteToMatch[]> {
  const { rows } = await db.query<RouteToMatch>({
    name: 'load-inbound-token-routes',
    text: `
      select a.tenant_id as "tenantId", a.mode, r.id, r.match from inbound_address a
      left join inbound_route r on r.tenant_id = a.tenant_id and r.mode = a.mode and r.domain is null and r.enabled
      where a.token = $1
      order by r.position, r.id`,
    values: [token],
  })
  return rows
}
