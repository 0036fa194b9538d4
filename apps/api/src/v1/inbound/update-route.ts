import { InboundRoute, UpdateInboundRouteRequest } from '@lettergate/contracts/inbound/routes'
import { updateInboundRoute } from '@lettergate/core/inbound'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { presentInboundRoute } from './present-route.ts'

/** Changes an inbound route. */
export const updateInboundRouteRoute = tenantRoute('PATCH', '/v1/inbound/routes/:id', {
  scope: 'inbound:write',
  takesLong: true,
  operationId: 'updateInboundRoute',
  summary: 'Change an inbound route',
  description:
    'Replaces the fields that are given. Mail that is received from now on goes by it; a change holds within a second, and after a minute at the latest.',
  id: 'inr',
  body: UpdateInboundRouteRequest,
  answers: { 200: answer('The changed route.', InboundRoute) },
  handler: async ({ deps, tenant, id, body }) =>
    presentInboundRoute(await updateInboundRoute(deps, tenant, id, body)),
})
