import type { Provider } from '@lettergate/providers/provider'
import { cannotCarry } from './capabilities.ts'
import type { PoolMessage, PoolWay, PoolWays } from './pool-way.ts'
import type { RoutingViews } from './routing-views.ts'
import { senderFault } from './sender.ts'
import { targetsOf } from './targets.ts'

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
      const own = connections.map((connection) => ({ ...connection, isPool: false }))
      const shared = pool.connections.map((connection) => ({ ...connection, isPool: true }))
      const choices = { own, pool: shared, routes, terms }
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
