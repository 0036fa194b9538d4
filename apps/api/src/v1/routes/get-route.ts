import { Route } from '@lettergate/contracts/routes/routes'
import { readRoute } from '@lettergate/core/routing'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { pathId } from '../../http/path-id.ts'
import { answer, problemAnswers, RoutePath } from '../../http/schemas.ts'
import { presentRoute } from './present-route.ts'

export function addGetRouteRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.get<{ Params: { id: string } }>('/v1/routes/:id', {
    config: { scope: 'connections:read', liveOnly: true },
    schema: {
      operationId: 'getRoute',
      summary: 'Read a route',
      description: 'One route. Needs a live key.',
      tags: ['Routes'],
      params: RoutePath,
      response: { 200: answer('The route.', Route), ...problemAnswers(401, 403, 404, 503) },
    },
    handler: async (request): Promise<Route> =>
      presentRoute(await readRoute(deps, tenantOf(request).tenantId, pathId('rte', request.params.id))),
  })
}
