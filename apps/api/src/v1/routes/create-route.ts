import { CreateRouteRequest, ROUTES_MAX, Route } from '@lettergate/contracts/routes/routes'
import { createRoute } from '@lettergate/core/routing'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { presentRoute } from './present-route.ts'

/** Says which connections carry which messages. */
export const createRouteRoute = tenantRoute('POST', '/v1/routes', {
  scope: 'connections:write',
  liveOnly: true,
  operationId: 'createRoute',
  summary: 'Create a route',
  description:
    'Of the enabled routes that match a message, the one with the lowest position decides which connections send it, and in ' +
    `which order. If none matches, priority decides. A tenant has ${ROUTES_MAX} routes at most: one more gets 409. Needs a live key.`,
  body: CreateRouteRequest,
  answers: { 201: answer('The new route.', Route) },
  problems: [409],
  handler: async ({ deps, reply, tenantId, body }) => {
    const route = presentRoute(await createRoute(deps, tenantId, body))
    reply.header('location', `/v1/routes/${route.id}`)
    return route
  },
})
