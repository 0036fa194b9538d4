import type { RouteGroup } from '../../http/add-routes.ts'
import { addSuppressionsRoute } from './add-suppressions.ts'
import { cancelJobRoute } from './cancel-job.ts'
import { deleteSuppressionRoute } from './delete-suppression.ts'
import { exportSuppressionsRoute } from './export-suppressions.ts'
import { getJobRoute } from './get-job.ts'
import { getSuppressionRoute } from './get-suppression.ts'
import { importSuppressionsRoute } from './import-suppressions.ts'
import { listSuppressionsRoute } from './list-suppressions.ts'
import { readExportRoute } from './read-export.ts'

/** A thousand entries with the longest addresses and notes. */
const BYTES_MAX = 1024 * 1024

export const suppressionRoutes: RouteGroup = {
  tag: 'Suppressions',
  body: { jsonBytesMax: BYTES_MAX },
  routes: [
    listSuppressionsRoute,
    addSuppressionsRoute,
    getSuppressionRoute,
    deleteSuppressionRoute,
    exportSuppressionsRoute,
    getJobRoute,
    cancelJobRoute,
    readExportRoute,
  ],
}

export const suppressionImportRoutes: RouteGroup = {
  tag: 'Suppressions',
  body: 'csv',
  routes: [importSuppressionsRoute],
}
