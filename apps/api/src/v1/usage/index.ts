import type { RouteGroup } from '../../http/add-routes.ts'
import { getPlanRoute } from './get-plan.ts'
import { getUsageRoute } from './get-usage.ts'

export const usageRoutes: RouteGroup = {
  tag: 'Usage',
  routes: [getUsageRoute, getPlanRoute],
}
