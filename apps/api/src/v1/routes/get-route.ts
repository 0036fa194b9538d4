import { Route } from '@lettergate/contracts/routes/routes'
import { readRoute } from '@lettergate/core/routing'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { presentRoute } from './present-route.ts'

export const getRouteRoute = tenantRoute('GET', '/v1/routes/:id', {
  scope: 'connections:read',
  liveOnly: true,
  operationId: 'getRoute',
  summary: 'Read a route',
  description: 'One route. Needs a live key.',
  id: 'rte',
  answers: { 200: answer('The route.', Route) },
  handler: async ({ deps, tenantId, id }) => presentRoute(await readRoute(deps, tenantId, id)),
})
