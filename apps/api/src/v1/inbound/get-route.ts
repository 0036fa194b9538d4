import { InboundRoute } from '@lettergate/contracts/inbound/routes'
import { readInboundRoute } from '@lettergate/core/inbound'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { pathId } from '../../http/path-id.ts'
import { answer, problemAnswers } from '../../http/schemas.ts'
import { InboundRoutePath } from './paths.ts'
import { presentInboundRoute } from './present-route.ts'

/** Shows an inbound route. */
export function addGetInboundRouteRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.get<{ Params: { id: string } }>('/v1/inbound/routes/:id', {
    config: { scope: 'inbound:read' },
    schema: {
      operationId: 'getInboundRoute',
      summary: 'Read an inbound route',
      description: 'The route as it is now.',
      tags: ['Inbound'],
      params: InboundRoutePath,
      response: {
        200: answer('The route.', InboundRoute),
        ...problemAnswers(401, 403, 404, 503),
      },
    },
    handler: async (request): Promise<InboundRoute> => {
      const id = pathId('inr', request.params.id)
      return presentInboundRoute(await readInboundRoute(deps, tenantOf(request), id))
    },
  })
}
