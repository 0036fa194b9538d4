import { EndpointList } from '@lettergate/contracts/webhooks/responses'
import { listEndpoints } from '@lettergate/core/webhooks'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { presentEndpoint } from './present-endpoint.ts'

/** Lists the tenant's endpoints. */
export const listEndpointsRoute = tenantRoute('GET', '/v1/endpoints', {
  scope: 'endpoints:read',
  operationId: 'listEndpoints',
  summary: 'List endpoints',
  description: 'All endpoints of the mode of the key, in the order in which they were made.',
  answers: { 200: answer('All endpoints.', EndpointList) },
  handler: async ({ deps, tenant }) => ({ data: (await listEndpoints(deps, tenant)).map(presentEndpoint) }),
})
