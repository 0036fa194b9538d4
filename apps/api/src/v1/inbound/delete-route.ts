import { deleteInboundRoute } from '@lettergate/core/inbound'
import { tenantRoute } from '../../http/route.ts'
import { nothing } from '../../http/schemas.ts'

/** Removes an inbound route. */
export const deleteInboundRouteRoute = tenantRoute('DELETE', '/v1/inbound/routes/:id', {
  scope: 'inbound:write',
  operationId: 'deleteInboundRoute',
  summary: 'Delete an inbound route',
  description: 'Mail to its addresses is refused, if no other route matches. Mail that was received stays.',
  id: 'inr',
  answers: { 204: nothing('The route is deleted.') },
  handler: async ({ deps, tenant, id }) => {
    await deleteInboundRoute(deps, tenant, id)
  },
})
