import { BulkJob } from '@lettergate/contracts/messages/bulk'
import { jobsOfOperator, readBulkJob } from '@lettergate/core/messages'
import { presentBulkJob } from '../../http/present-bulk.ts'
import { operatorRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'

/** Says how far an action of the operator on many messages is. */
export const getAdminBulkRoute = operatorRoute('GET', '/v1/admin/messages/bulk/jobs/:id', {
  operationId: 'adminGetBulk',
  summary: 'Read an action on many messages',
  description: 'How far a job of the operator is. It is kept for 30 days after its end.',
  id: 'job',
  answers: { 200: answer('The job.', BulkJob) },
  handler: async ({ deps, id }) => presentBulkJob(await readBulkJob(jobsOfOperator(deps.operator), id)),
})
