import type { RouteGroup } from '../../http/add-routes.ts'
import { getErasureRoute } from './get-erasure.ts'
import { getExportRoute } from './get-export.ts'
import { readFileRoute } from './read-file.ts'
import { startErasureRoute } from './start-erasure.ts'
import { startExportRoute } from './start-export.ts'

const BYTES_MAX = 16 * 1024

export const dataRoutes: RouteGroup = {
  tag: 'Data',
  body: { jsonBytesMax: BYTES_MAX },
  routes: [startExportRoute, getExportRoute, readFileRoute, startErasureRoute, getErasureRoute],
}
