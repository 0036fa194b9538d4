import type { RouteGroup } from '../../http/add-routes.ts'
import { getEgressRoute } from './get-egress.ts'
import { tryEgressRoute } from './try-egress.ts'

const BYTES_MAX = 64 * 1024

export const egressRoutes: RouteGroup = {
  tag: 'Egress',
  body: { jsonBytesMax: BYTES_MAX },
  routes: [getEgressRoute, tryEgressRoute],
}
