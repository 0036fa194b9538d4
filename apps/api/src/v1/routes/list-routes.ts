import { RouteList } from '@lettergate/contracts/routes/routes'
import { listRoutes } from '@lettergate/core/routing'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { answer, problemAnswers } from '../../http/schemas.ts'
import { presentRoute } from './present-route.ts'

export function addListRoutesRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.get('/v1/routes', {
    config: { scope: 'connections:read', liveOnly: true },
    schema: {
      operationId: 'listRoutes',
      summary: 'List routes',
      description: 'All routes by position. Needs a live key.',
      tags: ['Routes'],
      response: { 200: answer('All routes.', RouteList), ...problemAnswers(401, 403, 503) },
    },
    handler: async (request): Promise<RouteList> => ({
      data: (await listRoutes(deps, tenantOf(request).tenantId)).map(presentRoute),
    }),
  })
}
