import { BulkJob } from '@lettergate/contracts/messages/bulk'
import { jobsOfOperator, readBulkJob } from '@lettergate/core/messages'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { pathId } from '../../http/path-id.ts'
import { presentBulkJob } from '../../http/present-bulk.ts'
import { answer, JobPath, problemAnswers } from '../../http/schemas.ts'

/** Says how far an action of the operator on many messages is. */
export function addGetAdminBulkRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.get<{ Params: { id: string } }>('/v1/admin/messages/bulk/jobs/:id', {
    config: { scope: 'admin' },
    schema: {
      operationId: 'adminGetBulk',
      summary: 'Read an action on many messages',
      description: 'How far a job of the operator is. It is kept for 30 days after its end.',
      tags: ['Operator'],
      params: JobPath,
      response: { 200: answer('The job.', BulkJob), ...problemAnswers(401, 403, 404, 503) },
    },
    handler: async (request): Promise<BulkJob> =>
      presentBulkJob(await readBulkJob(jobsOfOperator(deps.operator), pathId('job', request.params.id))),
  })
}
