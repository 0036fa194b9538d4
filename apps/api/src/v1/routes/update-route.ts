import { Route, UpdateRouteRequest } from '@lettergate/contracts/routes/routes'
import { updateRoute } from '@lettergate/core/routing'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { presentRoute } from './present-route.ts'

/** Replaces parts of a route, for all attempts from now on. */
export const updateRouteRoute = tenantRoute('PATCH', '/v1/routes/:id', {
  scope: 'connections:write',
  liveOnly: true,
  operationId: 'updateRoute',
  summary: 'Change a route',
  description:
    'Fields in the body replace the old ones; the others stay. A route without targets, because its connections were ' +
    'deleted, needs new `targets` to be enabled: 409 without. Needs a live key.',
  id: 'rte',
  body: UpdateRouteRequest,
  answers: { 200: answer('The route as it is now.', Route) },
  problems: [409],
  handler: async ({ deps, tenantId, id, body }) => presentRoute(await updateRoute(deps, tenantId, id, body)),
})
