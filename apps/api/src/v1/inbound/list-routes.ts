import { InboundRouteList } from '@lettergate/contracts/inbound/routes'
import { listInboundRoutes } from '@lettergate/core/inbound'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { presentInboundRoute } from './present-route.ts'

/** Lists the inbound routes. */
export const listInboundRoutesRoute = tenantRoute('GET', '/v1/inbound/routes', {
  scope: 'inbound:read',
  operationId: 'listInboundRoutes',
  summary: 'List inbound routes',
  description: 'All inbound routes of the mode of the key, in the order in which they are looked at.',
  answers: { 200: answer('All routes.', InboundRouteList) },
  handler: async ({ deps, tenant }) => ({
    data: (await listInboundRoutes(deps, tenant)).map(presentInboundRoute),
  }),
})
