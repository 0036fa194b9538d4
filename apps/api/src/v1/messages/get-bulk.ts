import { BulkJob } from '@lettergate/contracts/messages/bulk'
import { jobsOfTenant, readBulkJob } from '@lettergate/core/messages'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { pathId } from '../../http/path-id.ts'
import { presentBulkJob } from '../../http/present-bulk.ts'
import { answer, JobPath, problemAnswers } from '../../http/schemas.ts'

/** Says how far an action on many messages is. */
export function addGetBulkRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.get<{ Params: { id: string } }>('/v1/messages/bulk/jobs/:id', {
    config: { scope: 'messages:read' },
    schema: {
      operationId: 'getBulk',
      summary: 'Read an action on many messages',
      description: 'How far the job is. It is kept for 30 days after its end.',
      tags: ['Messages'],
      params: JobPath,
      response: { 200: answer('The job.', BulkJob), ...problemAnswers(401, 403, 404, 503) },
    },
    handler: async (request): Promise<BulkJob> => {
      const { tenantId, mode } = tenantOf(request)
      const id = pathId('job', request.params.id)
      return presentBulkJob(await readBulkJob(jobsOfTenant(deps.prisma, tenantId), id, mode))
    },
  })
}
