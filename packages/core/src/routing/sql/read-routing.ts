import type { Queryable } from '@lettergate/db/pool'
import { ENABLED_ROUTES, type RoutingRule } from './list-sealed-connections.ts'

/** Reads a tenant's connections and routes without secrets. */
export type OpenRouting = {
  /** By priority. */
  connections: { id: string; provider: string }[]
  /** By position. */
  routes: RoutingRule[]
}

/** A tenant's enabled connections and routes, each in the order in which they are used. */
export async function readRouting(db: Queryable, tenantId: string): Promise<OpenRouting> {
  const { rows } = await db.query<{ id: string | null; provider: string; routes: RoutingRule[] | null }>({
    name: 'read-routing',
    text: `
      select c.id, c.provider, ${ENABLED_ROUTES} as routes
      from (select 1) one left join connection c on c.tenant_id = $1 and c.enabled order by c.priority, c.id`,
    values: [tenantId],
  })
  const connections = rows.flatMap(({ id, provider }) => (id === null ? [] : [{ id, provider }]))
  return { connections, routes: rows[0]?.routes ?? [] }
}

/** The connection that a message names, enabled or not, as a list of at most one. */
export async function readNamedConnection(
  db: Queryable,
  tenantId: string,
  id: string,
): Promise<OpenRouting['connections']> {
  const { rows } = await db.query<OpenRouting['connections'][number]>({
    name: 'read-routing-named',
    text: 'select id, provider from connection where tenant_id = $1 and id = $2',
    values: [tenantId, id],
  })
  return rows
}
