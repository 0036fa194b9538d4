import type { RouteGroup } from '../../http/add-routes.ts'
import { getRegistrationRoute } from './get-registration.ts'
import { registerEventsRoute, rotateEventsRoute } from './register-events.ts'
import { unregisterEventsRoute } from './unregister-events.ts'

const BYTES_MAX = 64 * 1024

export const providerEventRoutes: RouteGroup = {
  tag: 'Provider events',
  body: { jsonBytesMax: BYTES_MAX },
  routes: [registerEventsRoute, rotateEventsRoute, getRegistrationRoute, unregisterEventsRoute],
}
