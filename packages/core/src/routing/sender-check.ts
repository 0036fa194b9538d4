import { LRUCache } from 'lru-cache'
import type { Incompatibility } from './capabilities.ts'
import type { PoolMessage } from './pool-ways.ts'
import type { RoutingViews } from './routing-views.ts'
import { senderFault } from './sender-fault.ts'
import { targetsOf } from './targets.ts'

export type SenderCheck = {
  /** Why no connection may send mail from this address; null: one may, or there is none. */
  findFault(tenantId: string, message: PoolMessage): Promise<Incompatibility | null>
}

/** Without a pool, only direct connections need a proof, and few tenants have one. */
const DIRECT_TTL_MS = 60_000
const TENANTS_MAX = 20_000

/**
 * Judges the sender of new messages, by the rule that each attempt judges it by again. Where the gateway has no pool, a tenant without a
 * direct connection costs one query a minute.
 */
export function createSenderCheck({ views }: { views: RoutingViews }): SenderCheck {
  const hasDirect = new LRUCache<string, boolean>({ max: TENANTS_MAX, ttl: DIRECT_TTL_MS })
  return {
    async findFault(tenantId, message) {
      const pool = await views.pool()
      const isPlain = pool.connections.length === 0 && hasDirect.get(tenantId) === false
      if (isPlain) return null
      const { terms, connections, routes } = await views.viewOf(tenantId)
      hasDirect.set(
        tenantId,
        connections.some(({ provider }) => provider === 'direct'),
      )
      const choices = { own: connections, pool: pool.connections, routes, terms }
      const targets =
        message.connectionId === null
          ? targetsOf(choices, message, ({ id }) => id).targets
          : connections.filter(({ id }) => id === message.connectionId)
      // A pause ends, and accept knows it as a share of nothing.
      const said = { ...terms, isPaused: false }
      const faults = targets.map((target) => senderFault(target, message.fromAddress, said, pool.defaultFrom))
      return faults.every((fault) => fault !== null) ? (faults[0] ?? null) : null
    },
  }
}
