import { Endpoint } from '@lettergate/contracts/webhooks/responses'
import { readEndpoint } from '@lettergate/core/webhooks'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { pathId } from '../../http/path-id.ts'
import { answer, EndpointPath, problemAnswers } from '../../http/schemas.ts'
import { presentEndpoint } from './present-endpoint.ts'

/** Shows an endpoint and how calls to it go. */
export function addGetEndpointRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.get<{ Params: { id: string } }>('/v1/endpoints/:id', {
    config: { scope: 'endpoints:read' },
    schema: {
      operationId: 'getEndpoint',
      summary: 'Read an endpoint',
      description: 'The endpoint, and whether calls to it succeed.',
      tags: ['Endpoints'],
      params: EndpointPath,
      response: {
        200: answer('The endpoint.', Endpoint),
        ...problemAnswers(401, 403, 404, 503),
      },
    },
    handler: async (request): Promise<Endpoint> => {
      return presentEndpoint(await readEndpoint(deps, tenantOf(request), pathId('end', request.params.id)))
    },
  })
}
