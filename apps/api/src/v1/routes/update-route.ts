import { Route, UpdateRouteRequest } from '@lettergate/contracts/routes/routes'
import { updateRoute } from '@lettergate/core/routing'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { pathId } from '../../http/path-id.ts'
import { answer, problemAnswers, RoutePath } from '../../http/schemas.ts'
import { presentRoute } from './present-route.ts'

/** Replaces parts of a route, for all attempts from now on. */
export function addUpdateRouteRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.patch<{ Params: { id: string }; Body: UpdateRouteRequest }>('/v1/routes/:id', {
    config: { scope: 'connections:write', liveOnly: true },
    schema: {
      operationId: 'updateRoute',
      summary: 'Change a route',
      description:
        'Fields in the body replace the old ones; the others stay. A route without targets, because its connections were ' +
        'deleted, needs new `targets` to be enabled: 409 without. Needs a live key.',
      tags: ['Routes'],
      params: RoutePath,
      body: UpdateRouteRequest,
      response: {
        200: answer('The route as it is now.', Route),
        ...problemAnswers(400, 401, 403, 404, 409, 413, 415, 422, 503),
      },
    },
    handler: async (request): Promise<Route> => {
      const id = pathId('rte', request.params.id)
      return presentRoute(await updateRoute(deps, tenantOf(request).tenantId, id, request.body))
    },
  })
}
