import { Endpoint } from '@lettergate/contracts/webhooks/responses'
import { readEndpoint } from '@lettergate/core/webhooks'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { presentEndpoint } from './present-endpoint.ts'

/** Shows an endpoint and how calls to it go. */
export const getEndpointRoute = tenantRoute('GET', '/v1/endpoints/:id', {
  scope: 'endpoints:read',
  operationId: 'getEndpoint',
  summary: 'Read an endpoint',
  description: 'The endpoint, and whether calls to it succeed.',
  id: 'end',
  answers: { 200: answer('The endpoint.', Endpoint) },
  handler: async ({ deps, tenant, id }) => presentEndpoint(await readEndpoint(deps, tenant, id)),
})
