import { deleteRoute } from '@lettergate/core/routing'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { pathId } from '../../http/path-id.ts'
import { problemAnswers, RoutePath } from '../../http/schemas.ts'

export function addDeleteRouteRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.delete<{ Params: { id: string } }>('/v1/routes/:id', {
    config: { scope: 'connections:write', liveOnly: true },
    schema: {
      operationId: 'deleteRoute',
      summary: 'Delete a route',
      description: 'Waiting messages follow the next route that matches them. Needs a live key.',
      tags: ['Routes'],
      params: RoutePath,
      response: { 204: z.null().describe('The route is deleted.'), ...problemAnswers(401, 403, 404, 503) },
    },
    handler: async (request, reply) => {
      await deleteRoute(deps, tenantOf(request).tenantId, pathId('rte', request.params.id))
      return reply.code(204).send()
    },
  })
}
