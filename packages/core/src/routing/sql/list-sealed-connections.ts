import type { Queryable } from '@lettergate/db/pool'
import type { SealedConnection } from '../../connections/index.ts'

export type RouteMatchRow = {
  stream?: 'transactional' | 'bulk' | undefined
  tag?: string | undefined
  from_domain?: string | undefined
  recipient_domain?: string | undefined
}

/** `connection_id` is 'pool' for the shared pool. */
export type RouteTargetRow = { connection_id: string; weight: number }

/** An enabled route, as a message is held against it. */
export type RoutingRule = {
  id: string
  match: RouteMatchRow
  strategy: 'ordered' | 'weighted'
  targets: RouteTargetRow[]
}

/** All settings that decide where a tenant's messages are sent. */
export type Routing = {
  /** By priority. */
  connections: SealedConnection[]
  /** By position. */
  routes: RoutingRule[]
}

/** The enabled routes of the tenant `$1`, as one column: a route may lead to the shared pool, without any connection of the tenant's. */
export const ENABLED_ROUTES = `
  (select json_agg(json_build_object('id', r.id, 'match', r.match, 'strategy', r.strategy, 'targets', r.targets)
                   order by r.position, r.id)
   from route r where r.tenant_id = $1 and r.enabled)`

/** A tenant's enabled connections with their sealed credentials, and its enabled routes, each in the order in which they are used. */
export async function listSealedConnections(db: Queryable, tenantId: string): Promise<Routing> {
  const { rows } = await db.query<(SealedConnection | { id: null }) & { routes: RoutingRule[] | null }>({
    name: 'list-sealed-connections',
    text: `
      select c.id, c.provider, c.settings, c.sealed_credentials as "sealedCredentials", c.data_key_version as "dataKeyVersion",
             extract(epoch from coalesce(c.credentials_rotated_at, c.created_at))::text as "credentialsSince", c.limits,
             ${ENABLED_ROUTES} as routes
      from (select 1) one left join connection c on c.tenant_id = $1 and c.enabled order by c.priority, c.id`,
    values: [tenantId],
  })
  const connections = rows.flatMap(({ routes, ...row }) => (row.id === null ? [] : row))
  return { connections, routes: rows[0]?.routes ?? [] }
}
