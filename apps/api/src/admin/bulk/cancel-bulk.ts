import { BulkJob } from '@lettergate/contracts/messages/bulk'
import { cancelBulkJob, jobsOfOperator } from '@lettergate/core/messages'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { pathId } from '../../http/path-id.ts'
import { presentBulkJob } from '../../http/present-bulk.ts'
import { answer, JobPath, problemAnswers } from '../../http/schemas.ts'

/** Ends an action of the operator on many messages. */
export function addCancelAdminBulkRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.post<{ Params: { id: string } }>('/v1/admin/messages/bulk/jobs/:id/cancel', {
    config: { scope: 'admin' },
    schema: {
      operationId: 'adminCancelBulk',
      summary: 'Cancel an action on many messages',
      description:
        'Ends the job after the message that it is at. The messages that it had changed stay changed.',
      tags: ['Operator'],
      params: JobPath,
      response: { 200: answer('The job.', BulkJob), ...problemAnswers(401, 403, 404, 409, 503) },
    },
    handler: async (request): Promise<BulkJob> =>
      presentBulkJob(await cancelBulkJob(jobsOfOperator(deps.operator), pathId('job', request.params.id))),
  })
}
