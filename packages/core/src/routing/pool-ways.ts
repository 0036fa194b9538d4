import type { Provider } from '@lettergate/providers/provider'
import { type Carried, cannotCarry } from './capabilities.ts'
import type { Routable } from './match-route.ts'
import type { RoutingViews } from './routing-views.ts'
import { senderFault } from './sender-fault.ts'
import { targetsOf } from './targets.ts'

/**
 * How the shared pool concerns a message, as the tenant's connections, routes, domains and choices say when it is accepted:
 * `no`: it goes by an own connection, and the pool's limit says nothing of it. `may`: by the pool while there is room, else by an own
 * connection. `must`: only the pool can carry it; without room, `overflow` decides.
 */
export type PoolWay = {
  pool: 'no' | 'may' | 'must'
  overflow: 'reject' | 'hold'
  /**
   * The version of the tenant's connections that this was read at: accept refuses a decision of an older one, and it is made again. Null: the
   * gateway has no pool, so nothing depends on it.
   */
  connectionsVersion: number | null
}

export type PoolWays = {
  /** By what is known of the tenant's connections, if that is not older than `atLeast`; else they are read anew. */
  wayOf(tenantId: string, message: PoolMessage, atLeast: number): Promise<PoolWay>
}

/** What the way depends on. */
export type PoolMessage = Routable & {
  /** The connection that the request names. */
  connectionId: string | null
  /** What it asks of a provider; absent: nothing that providers differ in. */
  carried?: Carried
}

/**
 * How the pool concerns a new message, by the connections that the router would choose. A paused pool still counts as a way: its share is 0
 * then, so accept refuses or holds the message as for a share that is used up.
 */
export function createPoolWays(deps: {
  views: RoutingViews
  providers: Readonly<Record<string, Pick<Provider, 'id' | 'capabilities'>>>
}): PoolWays {
  const { views, providers } = deps

  return {
    async wayOf(tenantId, message: PoolMessage, atLeast): Promise<PoolWay> {
      const pool = await views.pool()
      // No version is needed: nothing is decided by it.
      if (pool.connections.length === 0) return { pool: 'no', overflow: 'reject', connectionsVersion: null }
      const { terms, connections, routes } = await views.viewOf(tenantId, atLeast)
      const way = (kind: PoolWay['pool']): PoolWay => ({
        pool: kind,
        overflow: terms.overflow,
        connectionsVersion: terms.version,
      })
      if (message.connectionId !== null) return way('no')
      const choices = { own: connections, pool: pool.connections, routes, terms }
      const { targets, isWeighted } = targetsOf(choices, message, ({ id }) => id)
      const able = targets.filter((target) => {
        const provider = Object.hasOwn(providers, target.provider) ? providers[target.provider] : undefined
        if (!provider) return false
        const said = { ...terms, isPaused: false }
        if (senderFault(target, message.fromAddress, said, pool.defaultFrom)) return false
        return message.carried === undefined || cannotCarry(provider.capabilities, message.carried) === null
      })
      if (able.every(({ isPool }) => !isPool)) return way('no')
      if (able.every(({ isPool }) => isPool)) return way('must')
      // Weights are drawn for each message when it is sent; a share is then reserved for those that the pool carries.
      return way(!isWeighted && able[0]?.isPool ? 'may' : 'no')
    },
  }
}
