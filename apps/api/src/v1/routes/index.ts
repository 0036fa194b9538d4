import type { RouteGroup } from '../../http/add-routes.ts'
import { createRouteRoute } from './create-route.ts'
import { deleteRouteRoute } from './delete-route.ts'
import { getRouteRoute } from './get-route.ts'
import { listRoutesRoute } from './list-routes.ts'
import { updateRouteRoute } from './update-route.ts'

const BYTES_MAX = 64 * 1024

export const routeRoutes: RouteGroup = {
  tag: 'Routes',
  body: { jsonBytesMax: BYTES_MAX },
  routes: [createRouteRoute, listRoutesRoute, getRouteRoute, updateRouteRoute, deleteRouteRoute],
}
