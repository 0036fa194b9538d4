import { BulkJob } from '@lettergate/contracts/messages/bulk'
import { cancelBulkJob, jobsOfOperator } from '@lettergate/core/messages'
import { presentBulkJob } from '../../http/present-bulk.ts'
import { operatorRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'

/** Ends an action of the operator on many messages. */
export const cancelAdminBulkRoute = operatorRoute('POST', '/v1/admin/messages/bulk/jobs/:id/cancel', {
  operationId: 'adminCancelBulk',
  summary: 'Cancel an action on many messages',
  description: 'Ends the job after the message that it is at. The messages that it had changed stay changed.',
  id: 'job',
  answers: { 200: answer('The job.', BulkJob) },
  problems: [409],
  handler: async ({ deps, id }) => presentBulkJob(await cancelBulkJob(jobsOfOperator(deps.operator), id)),
})
