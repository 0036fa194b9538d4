import { deleteEndpoint } from '@lettergate/core/webhooks'
import { tenantRoute } from '../../http/route.ts'
import { nothing } from '../../http/schemas.ts'

/** Removes an endpoint with all that waits for it. */
export const deleteEndpointRoute = tenantRoute('DELETE', '/v1/endpoints/:id', {
  scope: 'endpoints:write',
  operationId: 'deleteEndpoint',
  summary: 'Delete an endpoint',
  description: 'No call is made any more, also none that waits for its next attempt.',
  id: 'end',
  answers: { 204: nothing('The endpoint is deleted.') },
  handler: async ({ deps, tenant, id }) => {
    await deleteEndpoint(deps, tenant, id)
  },
})
