import type { RouteGroup } from '../../http/add-routes.ts'
import { followEventsRoute } from './follow-events.ts'
import { streamEventsRoute } from './stream-events.ts'

export const eventRoutes: RouteGroup = {
  tag: 'Events',
  routes: [followEventsRoute, streamEventsRoute],
}
