import type { Queryable } from '@lettergate/db/pool'
import type { ConnectionLimits, SealedConnection } from '../../connections/index.ts'

export type RouteMatchRow = {
  stream?: 'transactional' | 'bulk' | undefined
  tag?: string | undefined
  from_domain?: string | undefined
  recipient_domain?: string | undefined
}

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

/** The enabled routes of the tenant `$1`, as one column beside its connections: without any, a route could lead nowhere. */
export const ENABLED_ROUTES = `
  (select json_agg(json_build_object('id', r.id, 'match', r.match, 'strategy', r.strategy, 'targets', r.targets)
                   order by r.position, r.id)
   from route r where r.tenant_id = $1 and r.enabled)`

/** A tenant's enabled connections with their sealed credentials, and its enabled routes, each in the order in which they are used. */
export async function listSealedConnections(db: Queryable, tenantId: string): Promise<Routing> {
  const { rows } = await db.query<{
    id: string
    provider: string
    settings: unknown
    sealed_credentials: Buffer
    data_key_version: number
    credentials_since: string
    limits: ConnectionLimits | null
    routes: RoutingRule[] | null
  }>({
    name: 'list-sealed-connections',
    text: `
      select id, provider, settings, sealed_credentials, data_key_version,
             extract(epoch from coalesce(credentials_rotated_at, created_at))::text as credentials_since, limits,
             ${ENABLED_ROUTES} as routes
      from connection where tenant_id = $1 and enabled order by priority, id`,
    values: [tenantId],
  })
  return {
    connections: rows.map((row) => ({
      id: row.id,
      provider: row.provider,
      settings: row.settings,
      sealedCredentials: row.sealed_credentials,
      dataKeyVersion: row.data_key_version,
      credentialsSince: row.credentials_since,
      limits: row.limits,
    })),
    routes: rows[0]?.routes ?? [],
  }
}
