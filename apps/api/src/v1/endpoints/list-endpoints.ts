import { EndpointList } from '@lettergate/contracts/webhooks/responses'
import { listEndpoints } from '@lettergate/core/webhooks'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { answer, problemAnswers } from '../../http/schemas.ts'
import { presentEndpoint } from './present-endpoint.ts'

/** Lists the tenant's endpoints. */
export function addListEndpointsRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.get('/v1/endpoints', {
    config: { scope: 'endpoints:read' },
    schema: {
      operationId: 'listEndpoints',
      summary: 'List endpoints',
      description: 'All endpoints of the mode of the key, in the order in which they were made.',
      tags: ['Endpoints'],
      response: {
        200: answer('All endpoints.', EndpointList),
        ...problemAnswers(401, 403, 503),
      },
    },
    handler: async (request): Promise<EndpointList> => {
      return { data: (await listEndpoints(deps, tenantOf(request))).map(presentEndpoint) }
    },
  })
}
