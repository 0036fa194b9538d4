import type { Tenants } from '@lettergate/db/tenant-scope'
import { LRUCache } from 'lru-cache'
import { fromStorage, POOL_TENANT_ID, readOnce } from '../lib/index.ts'
import { type OpenRouting, readRouting } from './sql/read-routing.ts'
import {
  type PoolFacts,
  readPoolFacts,
  readSendingTerms,
  type SendingTerms,
} from './sql/read-sending-terms.ts'

/** A tenant's connections, routes and terms, without secrets. */
export type RoutingView = {
  connections: ViewedConnection[]
  routes: OpenRouting['routes']
  terms: SendingTerms
}
export type PoolView = PoolFacts & { connections: ViewedConnection[] }
type ViewedConnection = OpenRouting['connections'][number] & { isPool: boolean }

export type RoutingViews = {
  /** Read anew, if what is known is older than this version of the tenant's connections. */
  viewOf(tenantId: string, atLeast?: number): Promise<RoutingView>
  pool(): Promise<PoolView>
}

/** A change counts for new messages after this time at the latest; each attempt looks at what holds then. */
const TTL_MS = 3_000
const TENANTS_MAX = 5_000

/** What accepting knows of routing, from a cache: one query for a tenant in three seconds. */
export function createRoutingViews(deps: { tenants: Tenants; ttlMs?: number }): RoutingViews {
  const { ttlMs: ttl = TTL_MS } = deps
  const views = new LRUCache<string, Promise<RoutingView>>({ max: TENANTS_MAX, ttl })
  const pools = new LRUCache<string, Promise<PoolView>>({ max: 1, ttl })

  async function readView(tenantId: string): Promise<RoutingView> {
    const db = deps.tenants.forTenant(tenantId)
    // The version is read first: what changes in between is then of a newer one, and is read again.
    const terms = await readSendingTerms(db, tenantId)
    const { connections, routes } = await readRouting(db, tenantId)
    return { connections: connections.map((row) => ({ ...row, isPool: false })), routes, terms }
  }

  async function readPool(): Promise<PoolView> {
    const db = deps.tenants.forTenant(POOL_TENANT_ID)
    const facts = await readPoolFacts(db, POOL_TENANT_ID)
    // Nothing was ever made: most gateways have no pool.
    const { connections } = facts.version === 0 ? { connections: [] } : await readRouting(db, POOL_TENANT_ID)
    return { ...facts, connections: connections.map((row) => ({ ...row, isPool: true })) }
  }

  return {
    async viewOf(tenantId, atLeast = 0) {
      const view = await readOnce(views, tenantId, () => fromStorage(readView(tenantId)))
      if (view.terms.version >= atLeast) return view
      views.delete(tenantId)
      return readOnce(views, tenantId, () => fromStorage(readView(tenantId)))
    },
    pool: () => readOnce(pools, POOL_TENANT_ID, () => fromStorage(readPool())),
  }
}
