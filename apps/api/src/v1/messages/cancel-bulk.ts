import { BulkJob } from '@lettergate/contracts/messages/bulk'
import { cancelBulkJob, jobsOfTenant } from '@lettergate/core/messages'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { pathId } from '../../http/path-id.ts'
import { presentBulkJob } from '../../http/present-bulk.ts'
import { answer, JobPath, problemAnswers } from '../../http/schemas.ts'

/** Ends an action on many messages. */
export function addCancelBulkRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.post<{ Params: { id: string } }>('/v1/messages/bulk/jobs/:id/cancel', {
    config: { scope: 'messages:write' },
    schema: {
      operationId: 'cancelBulk',
      summary: 'Cancel an action on many messages',
      description:
        'Ends the job after the message that it is at. The messages that it had changed stay changed.',
      tags: ['Messages'],
      params: JobPath,
      response: { 200: answer('The job.', BulkJob), ...problemAnswers(401, 403, 404, 409, 503) },
    },
    handler: async (request): Promise<BulkJob> => {
      const { tenantId, mode } = tenantOf(request)
      const id = pathId('job', request.params.id)
      return presentBulkJob(await cancelBulkJob(jobsOfTenant(deps.prisma, tenantId), id, mode))
    },
  })
}
