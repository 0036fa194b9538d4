/** Routing: which connections may carry a message, in which order, and what each can carry. */
export {
  asksMore,
  attachmentFacts,
  type Carried,
  cannotCarry,
  carriedOfNew,
  carriedOfStored,
  encodedBytes,
  goesRaw,
  type Incompatibility,
} from './capabilities.ts'
export { type Routable, routeOf } from './match-route.ts'
export { createPoolWays, type PoolMessage, type PoolWay, type PoolWays } from './pool-ways.ts'
export { createRouter, type Route, type Router, type Rule } from './router.ts'
export { createRoute, deleteRoute, listRoutes, type RouteRow, readRoute, updateRoute } from './routes.ts'
export { createRoutingViews, type RoutingViews } from './routing-views.ts'
export { createSenderCheck } from './sender-check.ts'
export type { RouteMatchRow } from './sql/list-sealed-connections.ts'
export { type OpenRouting, readNamedConnection, readRouting } from './sql/read-routing.ts'
export type { SendingTerms } from './sql/read-sending-terms.ts'
export { targetsOf } from './targets.ts'
