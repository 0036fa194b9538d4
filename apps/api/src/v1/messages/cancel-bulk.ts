import { BulkJob } from '@lettergate/contracts/messages/bulk'
import { cancelBulkJob, jobsOfTenant } from '@lettergate/core/messages'
import { presentBulkJob } from '../../http/present-bulk.ts'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'

/** Ends an action on many messages. */
export const cancelBulkRoute = tenantRoute('POST', '/v1/messages/bulk/jobs/:id/cancel', {
  scope: 'messages:write',
  operationId: 'cancelBulk',
  summary: 'Cancel an action on many messages',
  description: 'Ends the job after the message that it is at. The messages that it had changed stay changed.',
  id: 'job',
  answers: { 200: answer('The job.', BulkJob) },
  problems: [409],
  handler: async ({ deps, tenant, id }) => {
    const { tenantId, mode } = tenant
    return presentBulkJob(await cancelBulkJob(jobsOfTenant(deps.prisma, tenantId), id, mode))
  },
})
