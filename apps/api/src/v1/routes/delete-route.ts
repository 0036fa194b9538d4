import { deleteRoute } from '@lettergate/core/routing'
import { tenantRoute } from '../../http/route.ts'
import { nothing } from '../../http/schemas.ts'

export const deleteRouteRoute = tenantRoute('DELETE', '/v1/routes/:id', {
  scope: 'connections:write',
  liveOnly: true,
  operationId: 'deleteRoute',
  summary: 'Delete a route',
  description: 'Waiting messages follow the next route that matches them. Needs a live key.',
  id: 'rte',
  answers: { 204: nothing('The route is deleted.') },
  handler: async ({ deps, tenantId, id }) => {
    await deleteRoute(deps, tenantId, id)
  },
})
