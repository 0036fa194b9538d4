import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { addJsonBody } from '../../http/json-body.ts'
import { addAddSuppressionsRoute } from './add-suppressions.ts'
import { addCancelJobRoute } from './cancel-job.ts'
import { addDeleteSuppressionRoute } from './delete-suppression.ts'
import { addExportSuppressionsRoute } from './export-suppressions.ts'
import { addGetJobRoute } from './get-job.ts'
import { addGetSuppressionRoute } from './get-suppression.ts'
import { addImportSuppressionsRoute } from './import-suppressions.ts'
import { addListSuppressionsRoute } from './list-suppressions.ts'
import { addReadExportRoute } from './read-export.ts'

/** A thousand entries with the longest addresses and notes. */
const BYTES_MAX = 1024 * 1024

export function addSuppressionRoutes(app: FastifyInstance, deps: ApiDeps): void {
  app.register(async (scope) => addImportSuppressionsRoute(scope, deps))
  addJsonBody(app, { ...deps, bytesMax: BYTES_MAX })
  addListSuppressionsRoute(app, deps)
  addAddSuppressionsRoute(app, deps)
  addGetSuppressionRoute(app, deps)
  addDeleteSuppressionRoute(app, deps)
  addExportSuppressionsRoute(app, deps)
  addGetJobRoute(app, deps)
  addCancelJobRoute(app, deps)
  addReadExportRoute(app, deps)
}
