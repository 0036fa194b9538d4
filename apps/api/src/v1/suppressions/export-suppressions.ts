import { ExportSuppressionsRequest, SuppressionJob } from '@lettergate/contracts/suppressions/suppressions'
import { startExport } from '@lettergate/core/suppressions'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { presentJob } from './present-suppression.ts'

/** Writes the list into a file. */
export const exportSuppressionsRoute = tenantRoute('POST', '/v1/suppressions/export', {
  scope: 'suppressions:write',
  operationId: 'exportSuppressions',
  summary: 'Export suppressions',
  description:
    'Answers a job that writes the list into a CSV file, which an import reads again. Once its state is `done`, `result` says where ' +
    'the file is. Entries that are added meanwhile may be in it or not.',
  body: ExportSuppressionsRequest,
  answers: { 202: answer('A job writes the file.', SuppressionJob) },
  problems: [409],
  handler: async ({ deps, reply, tenant, body }) => {
    const job = presentJob(await startExport(deps, tenant, body))
    reply.header('location', `/v1/suppressions/jobs/${job.id}`)
    return job
  },
})
