import { DataJob } from '@lettergate/contracts/data-life/data-life'
import { readJobOf } from '@lettergate/core/data-life'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { presentDataJob } from './present-job.ts'

/** Says how far an export is. */
export const getExportRoute = tenantRoute('GET', '/v1/export/:id', {
  scope: 'settings:read',
  liveOnly: true,
  operationId: 'getExport',
  summary: 'Read an export',
  description: 'How far an export is. It is kept for 7 days after its end.',
  id: 'job',
  answers: { 200: answer('The job.', DataJob) },
  handler: async ({ deps, tenantId, id }) => {
    const db = deps.tenants.forTenant(tenantId)
    return presentDataJob(await readJobOf(db, id, 'export'))
  },
})
