import { POOL_TARGET } from '../lib/index.ts'
import { orderTargets, type Routable, routeOf } from './match-route.ts'
import type { RoutingRule } from './sql/list-sealed-connections.ts'
import type { SendingTerms } from './sql/read-sending-terms.ts'

/** What decides which connections a message may go by: the tenant's own and the pool's, each in the order in which they are used. */
export type Choices<C> = {
  own: readonly C[]
  pool: readonly C[]
  routes: readonly RoutingRule[]
  terms: Pick<SendingTerms, 'place'>
}

/** `routeId`: a route says so. */
export type Targets<C> = { targets: C[]; routeId: string | null; isWeighted: boolean }

/**
 * The connections that a message may go by, in order: the targets of the first route that fits it; without one, the tenant's own by priority,
 * and the pool where the tenant's setting puts it. What a route leaves out never stands in.
 */
export function targetsOf<C>(
  { own, pool, routes, terms }: Choices<C>,
  message: Routable & { messageId?: string },
  idOf: (connection: C) => string | null,
): Targets<C> {
  const route = routeOf(routes, message)
  if (route) {
    const targets = orderTargets(route, message.messageId ?? '').flatMap((id) =>
      id === POOL_TARGET ? pool : (own.find((connection) => idOf(connection) === id) ?? []),
    )
    return { targets, routeId: route.id, isWeighted: route.strategy === 'weighted' }
  }
  const byPlace = { first: [...pool, ...own], last: [...own, ...pool], never: [...own] }
  return { targets: byPlace[terms.place], routeId: null, isWeighted: false }
}
