import type { RouteGroup } from '../../http/add-routes.ts'
import { getSettingsRoute } from './get-settings.ts'
import { updateSettingsRoute } from './update-settings.ts'

const BYTES_MAX = 16 * 1024

export const settingsRoutes: RouteGroup = {
  tag: 'Settings',
  body: { jsonBytesMax: BYTES_MAX },
  routes: [getSettingsRoute, updateSettingsRoute],
}
