import { CreateRouteRequest, ROUTES_MAX, Route } from '@lettergate/contracts/routes/routes'
import { createRoute } from '@lettergate/core/routing'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { answer, problemAnswers } from '../../http/schemas.ts'
import { presentRoute } from './present-route.ts'

/** Says which connections carry which messages. */
export function addCreateRouteRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.post<{ Body: CreateRouteRequest }>('/v1/routes', {
    config: { scope: 'connections:write', liveOnly: true },
    schema: {
      operationId: 'createRoute',
      summary: 'Create a route',
      description:
        'Of the enabled routes that match a message, the one with the lowest position decides which connections send it, and in ' +
        `which order. If none matches, priority decides. A tenant has ${ROUTES_MAX} routes at most: one more gets 409. Needs a live key.`,
      tags: ['Routes'],
      body: CreateRouteRequest,
      response: {
        201: answer('The new route.', Route),
        ...problemAnswers(400, 401, 403, 409, 413, 415, 422, 503),
      },
    },
    handler: async (request, reply) => {
      const route = presentRoute(await createRoute(deps, tenantOf(request).tenantId, request.body))
      return reply.code(201).header('location', `/v1/routes/${route.id}`).send(route)
    },
  })
}
