import type { Tenants } from '@lettergate/db/tenant-scope'
import { LRUCache } from 'lru-cache'
import { fromStorage, POOL_TENANT_ID } from '../lib/index.ts'
import { type PoolFacts, type PoolTerms, readPoolFacts, readPoolTerms } from './sql/read-pool-terms.ts'
import { type OpenRouting, readRouting } from './sql/read-routing.ts'

/** A tenant's connections, routes and terms, without secrets. */
export type RoutingView = OpenRouting & { terms: PoolTerms }
export type PoolView = PoolFacts & { connections: OpenRouting['connections'] }

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
    const terms = await readPoolTerms(db, tenantId)
    return { ...(await readRouting(db, tenantId)), terms }
  }

  async function readPool(): Promise<PoolView> {
    const db = deps.tenants.forTenant(POOL_TENANT_ID)
    const facts = await readPoolFacts(db, POOL_TENANT_ID)
    // Nothing was ever made: most gateways have no pool.
    const { connections } = facts.version === 0 ? { connections: [] } : await readRouting(db, POOL_TENANT_ID)
    return { ...facts, connections }
  }

  function cachedIn<V extends object>(
    cache: LRUCache<string, Promise<V>>,
    key: string,
    read: () => Promise<V>,
  ) {
    const cached = cache.get(key)
    if (cached) return cached
    const reading = fromStorage(read())
    cache.set(key, reading)
    reading.catch(() => cache.delete(key))
    return reading
  }

  return {
    async viewOf(tenantId, atLeast = 0) {
      const view = await cachedIn(views, tenantId, () => readView(tenantId))
      if (view.terms.version >= atLeast) return view
      views.delete(tenantId)
      return cachedIn(views, tenantId, () => readView(tenantId))
    },
    pool: () => cachedIn(pools, POOL_TENANT_ID, readPool),
  }
}
