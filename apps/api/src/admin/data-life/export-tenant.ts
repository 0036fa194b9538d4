import { DataExportRequest, DataJob } from '@lettergate/contracts/data-life/data-life'
import { startDataExport } from '@lettergate/core/data-life'
import { operatorRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { presentDataJob } from '../../v1/data-life/present-job.ts'
import { FILES } from './files.ts'

/** Writes all that a tenant has into a file, for the operator. */
export const exportTenantRoute = operatorRoute('POST', '/v1/admin/tenants/:id/export', {
  operationId: 'exportTenant',
  summary: 'Export the data of a tenant',
  description: 'As the export of the tenant itself.',
  id: 'ten',
  body: DataExportRequest,
  answers: { 202: answer('A job writes the file.', DataJob) },
  problems: [409],
  handler: async ({ deps, reply, id, body }) => {
    const job = presentDataJob(await startDataExport(deps.tenants.forTenant(id), id, body), FILES)
    reply.header('location', `${FILES}/${job.id}`)
    return job
  },
})
