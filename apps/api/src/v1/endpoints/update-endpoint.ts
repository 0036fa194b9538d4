import { UpdateEndpointRequest } from '@lettergate/contracts/webhooks/requests'
import { Endpoint } from '@lettergate/contracts/webhooks/responses'
import { updateEndpoint } from '@lettergate/core/webhooks'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { pathId } from '../../http/path-id.ts'
import { answer, EndpointPath, problemAnswers } from '../../http/schemas.ts'
import { presentEndpoint } from './present-endpoint.ts'

/** Changes an endpoint, or enables it again. */
export function addUpdateEndpointRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.patch<{ Params: { id: string }; Body: UpdateEndpointRequest }>('/v1/endpoints/:id', {
    config: { scope: 'endpoints:write', takesLong: true },
    schema: {
      operationId: 'updateEndpoint',
      summary: 'Change an endpoint',
      description:
        'Fields left out stay as they are; lists and `headers` are replaced as a whole. `enabled: true` lets calls go on where they stopped, as far as the events are still kept, and makes the next one at once.',
      tags: ['Endpoints'],
      params: EndpointPath,
      body: UpdateEndpointRequest,
      response: {
        200: answer('The endpoint as it is now.', Endpoint),
        ...problemAnswers(400, 401, 403, 404, 409, 413, 415, 422, 503),
      },
    },
    handler: async (request): Promise<Endpoint> => {
      const id = pathId('end', request.params.id)
      return presentEndpoint(await updateEndpoint(deps, tenantOf(request), id, request.body))
    },
  })
}
