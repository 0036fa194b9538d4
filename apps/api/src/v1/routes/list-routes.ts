import { RouteList } from '@lettergate/contracts/routes/routes'
import { listRoutes } from '@lettergate/core/routing'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { presentRoute } from './present-route.ts'

export const listRoutesRoute = tenantRoute('GET', '/v1/routes', {
  scope: 'connections:read',
  liveOnly: true,
  operationId: 'listRoutes',
  summary: 'List routes',
  description: 'All routes by position. Needs a live key.',
  answers: { 200: answer('All routes.', RouteList) },
  handler: async ({ deps, tenantId }) => ({
    data: (await listRoutes(deps, tenantId)).map(presentRoute),
  }),
})
