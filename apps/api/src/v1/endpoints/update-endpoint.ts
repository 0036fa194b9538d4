import { UpdateEndpointRequest } from '@lettergate/contracts/webhooks/requests'
import { Endpoint } from '@lettergate/contracts/webhooks/responses'
import { updateEndpoint } from '@lettergate/core/webhooks'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { presentEndpoint } from './present-endpoint.ts'

/** Changes an endpoint, or enables it again. */
export const updateEndpointRoute = tenantRoute('PATCH', '/v1/endpoints/:id', {
  scope: 'endpoints:write',
  takesLong: true,
  operationId: 'updateEndpoint',
  summary: 'Change an endpoint',
  description:
    'Fields left out stay as they are; lists and `headers` are replaced as a whole. A `url` at another host needs `headers` too, if there are any: stored ones are not sent there. `enabled: true` lets calls go on where they stopped, as far as the events are still kept, and makes the next one at once.',
  id: 'end',
  body: UpdateEndpointRequest,
  answers: { 200: answer('The endpoint as it is now.', Endpoint) },
  problems: [409],
  handler: async ({ deps, tenant, id, body }) =>
    presentEndpoint(await updateEndpoint(deps, tenant, id, body)),
})
