import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { addJsonBody } from '../../http/json-body.ts'
import { addDeleteTenantRoute } from './delete-tenant.ts'
import { addEraseForAllRoute } from './erase-for-all.ts'
import { addExportTenantRoute } from './export-tenant.ts'
import { addGetDataJobRoute } from './get-data-job.ts'
import { addReadDataFileRoute } from './read-data-file.ts'

const BYTES_MAX = 16 * 1024

/** The operator's exports, erasures and deletions: the api makes the job, a worker does it. */
export function addAdminDataRoutes(app: FastifyInstance, deps: ApiDeps): void {
  addJsonBody(app, { ...deps, bytesMax: BYTES_MAX })
  addExportTenantRoute(app, deps)
  addEraseForAllRoute(app, deps)
  addDeleteTenantRoute(app, deps)
  addGetDataJobRoute(app, deps)
  addReadDataFileRoute(app, deps)
}
