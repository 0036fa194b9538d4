import { BulkJob, BulkPreview, BulkRequest } from '@lettergate/contracts/messages/bulk'
import { jobsOfTenant, previewBulk, startBulkJob } from '@lettergate/core/messages'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { presentBulkJob, presentPreview } from '../../http/present-bulk.ts'
import { answer, problemAnswers } from '../../http/schemas.ts'

/** Starts an action on many messages, or counts them. */
export function addStartBulkRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.post<{ Body: BulkRequest }>('/v1/messages/bulk', {
    config: { scope: 'messages:write', takesLong: true },
    schema: {
      operationId: 'startBulk',
      summary: 'Act on many messages',
      description:
        'Cancels, retries, holds or releases all messages that match a filter, as a job: read it to see how far it is. Messages that are stored after the request do not match. ' +
        'With `dry_run`, the messages are counted and nothing is changed. At most 5 jobs may be unfinished.',
      tags: ['Messages'],
      body: BulkRequest,
      response: {
        200: answer('With `dry_run`: what would be changed.', BulkPreview),
        202: answer('The job.', BulkJob),
        ...problemAnswers(400, 401, 403, 409, 413, 415, 422, 503),
      },
    },
    handler: async (request, reply): Promise<BulkJob | BulkPreview> => {
      const { tenantId, mode } = tenantOf(request)
      const { filter, action, dry_run } = request.body
      const scope = { ofTenant: tenantId, mode }
      const now = deps.clock.now()
      if (dry_run) {
        const db = deps.tenants.forTenant(tenantId)
        return presentPreview(action, await previewBulk(db, scope, { action, filter }, { now }))
      }
      const job = await startBulkJob(jobsOfTenant(deps.prisma, tenantId), scope, { action, filter }, now)
      reply.code(202)
      return presentBulkJob(job)
    },
  })
}
