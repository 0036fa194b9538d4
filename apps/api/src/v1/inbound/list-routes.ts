import { InboundRouteList } from '@lettergate/contracts/inbound/routes'
import { listInboundRoutes } from '@lettergate/core/inbound'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { answer, problemAnswers } from '../../http/schemas.ts'
import { presentInboundRoute } from './present-route.ts'

/** Lists the inbound routes. */
export function addListInboundRoutesRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.get('/v1/inbound/routes', {
    config: { scope: 'inbound:read' },
    schema: {
      operationId: 'listInboundRoutes',
      summary: 'List inbound routes',
      description: 'All inbound routes of the mode of the key, in the order in which they are looked at.',
      tags: ['Inbound'],
      response: {
        200: answer('All routes.', InboundRouteList),
        ...problemAnswers(401, 403, 503),
      },
    },
    handler: async (request): Promise<InboundRouteList> => {
      return { data: (await listInboundRoutes(deps, tenantOf(request))).map(presentInboundRoute) }
    },
  })
}
