import { InboundRoute } from '@lettergate/contracts/inbound/routes'
import { readInboundRoute } from '@lettergate/core/inbound'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { presentInboundRoute } from './present-route.ts'

/** Shows an inbound route. */
export const getInboundRouteRoute = tenantRoute('GET', '/v1/inbound/routes/:id', {
  scope: 'inbound:read',
  operationId: 'getInboundRoute',
  summary: 'Read an inbound route',
  description: 'The route as it is now.',
  id: 'inr',
  answers: { 200: answer('The route.', InboundRoute) },
  handler: async ({ deps, tenant, id }) => presentInboundRoute(await readInboundRoute(deps, tenant, id)),
})
