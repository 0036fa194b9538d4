import { InboundRoute, UpdateInboundRouteRequest } from '@lettergate/contracts/inbound/routes'
import { updateInboundRoute } from '@lettergate/core/inbound'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { pathId } from '../../http/path-id.ts'
import { answer, problemAnswers } from '../../http/schemas.ts'
import { InboundRoutePath } from './paths.ts'
import { presentInboundRoute } from './present-route.ts'

/** Changes an inbound route. */
export function addUpdateInboundRouteRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.patch<{ Params: { id: string }; Body: UpdateInboundRouteRequest }>('/v1/inbound/routes/:id', {
    config: { scope: 'inbound:write', takesLong: true },
    schema: {
      operationId: 'updateInboundRoute',
      summary: 'Change an inbound route',
      description:
        'Replaces the fields that are given. Mail that is received from now on goes by it; a change holds within a second, and after a minute at the latest.',
      tags: ['Inbound'],
      params: InboundRoutePath,
      body: UpdateInboundRouteRequest,
      response: {
        200: answer('The changed route.', InboundRoute),
        ...problemAnswers(400, 401, 403, 404, 413, 415, 422, 503),
      },
    },
    handler: async (request): Promise<InboundRoute> => {
      const id = pathId('inr', request.params.id)
      return presentInboundRoute(await updateInboundRoute(deps, tenantOf(request), id, request.body))
    },
  })
}
