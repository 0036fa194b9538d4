import { BulkJob } from '@lettergate/contracts/messages/bulk'
import { jobsOfTenant, readBulkJob } from '@lettergate/core/messages'
import { presentBulkJob } from '../../http/present-bulk.ts'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'

/** Says how far an action on many messages is. */
export const getBulkRoute = tenantRoute('GET', '/v1/messages/bulk/jobs/:id', {
  scope: 'messages:read',
  operationId: 'getBulk',
  summary: 'Read an action on many messages',
  description: 'How far the job is. It is kept for 30 days after its end.',
  id: 'job',
  answers: { 200: answer('The job.', BulkJob) },
  handler: async ({ deps, tenant, id }) => {
    const { tenantId, mode } = tenant
    return presentBulkJob(await readBulkJob(jobsOfTenant(deps.prisma, tenantId), id, mode))
  },
})
