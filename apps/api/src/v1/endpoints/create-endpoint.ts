import { CreateEndpointRequest, ENDPOINTS_MAX } from '@lettergate/contracts/webhooks/requests'
import { EndpointCreated } from '@lettergate/contracts/webhooks/responses'
import { createEndpoint } from '@lettergate/core/webhooks'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { presentEndpoint } from './present-endpoint.ts'

/** Makes an endpoint; its secret is answered here alone. */
export const createEndpointRoute = tenantRoute('POST', '/v1/endpoints', {
  scope: 'endpoints:write',
  takesLong: true,
  operationId: 'createEndpoint',
  summary: 'Create an endpoint',
  description: `Events from now on are sent to the URL by POST, signed by Standard Webhooks. The answer shows the secret, once. A tenant has ${ENDPOINTS_MAX} endpoints at most. A test key makes endpoints for the events of test keys.`,
  body: CreateEndpointRequest,
  answers: { 201: answer('The new endpoint, with its secret.', EndpointCreated) },
  problems: [409],
  handler: async ({ deps, reply, tenant, body }) => {
    const { endpoint, secret } = await createEndpoint(deps, tenant, body)
    const shown = presentEndpoint(endpoint)
    reply.header('location', `/v1/endpoints/${shown.id}`)
    return { ...shown, secret }
  },
})
