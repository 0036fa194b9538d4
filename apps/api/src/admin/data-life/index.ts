import type { RouteGroup } from '../../http/add-routes.ts'
import { deleteTenantRoute } from './delete-tenant.ts'
import { eraseForAllRoute } from './erase-for-all.ts'
import { exportTenantRoute } from './export-tenant.ts'
import { getDataJobRoute } from './get-data-job.ts'
import { readDataFileRoute } from './read-data-file.ts'

const BYTES_MAX = 16 * 1024

/** The operator's exports, erasures and deletions: the api makes the job, a worker does it. */
export const adminDataRoutes: RouteGroup = {
  tag: 'Operator',
  body: { jsonBytesMax: BYTES_MAX },
  routes: [exportTenantRoute, eraseForAllRoute, deleteTenantRoute, getDataJobRoute, readDataFileRoute],
}
