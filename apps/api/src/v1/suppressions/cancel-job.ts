import { SuppressionJob } from '@lettergate/contracts/suppressions/suppressions'
import { cancelJob } from '@lettergate/core/suppressions'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { presentJob } from './present-suppression.ts'

/** Ends an import or export before its time. */
export const cancelJobRoute = tenantRoute('POST', '/v1/suppressions/jobs/:id/cancel', {
  scope: 'suppressions:write',
  operationId: 'cancelSuppressionJob',
  summary: 'Cancel a job',
  description:
    'Ends an import or export that has not ended. Entries that an import has added stay on the list; the file of an export is deleted.',
  id: 'job',
  answers: { 200: answer('The job, cancelled.', SuppressionJob) },
  problems: [409],
  handler: async ({ deps, tenant, id }) => presentJob(await cancelJob(deps, tenant, id)),
})
