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
        'The enabled route with the lowest position that fits a message decides which connections may carry it, and in what ' +
        `order. Without one, all enabled connections by priority. There may be ${ROUTES_MAX}: 409 for one more. Needs a live key.`,
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
