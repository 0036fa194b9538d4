import { CreateEndpointRequest, ENDPOINTS_MAX } from '@lettergate/contracts/webhooks/requests'
import { EndpointCreated } from '@lettergate/contracts/webhooks/responses'
import { createEndpoint } from '@lettergate/core/webhooks'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { answer, problemAnswers } from '../../http/schemas.ts'
import { presentEndpoint } from './present-endpoint.ts'

/** Makes an endpoint; its secret is answered here alone. */
export function addCreateEndpointRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.post<{ Body: CreateEndpointRequest }>('/v1/endpoints', {
    config: { scope: 'endpoints:write', takesLong: true },
    schema: {
      operationId: 'createEndpoint',
      summary: 'Create an endpoint',
      description: `Events from now on are sent to the URL by POST, signed by Standard Webhooks. The answer shows the secret, once. A tenant has ${ENDPOINTS_MAX} endpoints at most. A test key makes endpoints for the events of test keys.`,
      tags: ['Endpoints'],
      body: CreateEndpointRequest,
      response: {
        201: answer('The new endpoint, with its secret.', EndpointCreated),
        ...problemAnswers(400, 401, 403, 409, 413, 415, 422, 503),
      },
    },
    handler: async (request, reply): Promise<EndpointCreated> => {
      const { endpoint, secret } = await createEndpoint(deps, tenantOf(request), request.body)
      const shown = presentEndpoint(endpoint)
      reply.code(201).header('location', `/v1/endpoints/${shown.id}`)
      return { ...shown, secret }
    },
  })
}
