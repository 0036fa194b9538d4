import { DataExportRequest, DataJob } from '@lettergate/contracts/data-life/data-life'
import { startDataExport } from '@lettergate/core/data-life'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { presentDataJob } from './present-job.ts'

/** Writes all that a tenant has into a file. */
export const startExportRoute = tenantRoute('POST', '/v1/export', {
  scope: 'settings:read',
  liveOnly: true,
  operationId: 'exportData',
  summary: 'Export all your data',
  description:
    'Answers a job that writes settings, messages, recipients, attempts, events and suppressions of both modes into a file of JSON lines. ' +
    'Secrets are left out. Once its state is `done`, `result` says where the file is. Two exports run at a time at most.',
  body: DataExportRequest,
  answers: { 202: answer('A job writes the file.', DataJob) },
  problems: [409],
  handler: async ({ deps, reply, tenantId, body }) => {
    const job = presentDataJob(await startDataExport(deps.tenants.forTenant(tenantId), tenantId, body))
    reply.header('location', `/v1/export/${job.id}`)
    return job
  },
})
