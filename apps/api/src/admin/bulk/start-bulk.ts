import { AdminBulkRequest, BulkJob, BulkPreview } from '@lettergate/contracts/messages/bulk'
import { jobsOfOperator, previewBulk, startBulkJob } from '@lettergate/core/messages'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { presentBulkJob, presentPreview } from '../../http/present-bulk.ts'
import { answer, problemAnswers } from '../../http/schemas.ts'

/** Starts an action on many messages of a tenant or of all, or counts them. */
export function addStartAdminBulkRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.post<{ Body: AdminBulkRequest }>('/v1/admin/messages/bulk', {
    config: { scope: 'admin', takesLong: true },
    schema: {
      operationId: 'adminStartBulk',
      summary: 'Act on many messages',
      description: 'As `POST /v1/messages/bulk`, for one tenant or for all.',
      tags: ['Operator'],
      body: AdminBulkRequest,
      response: {
        200: answer('With `dry_run`: what would be changed.', BulkPreview),
        202: answer('The job.', BulkJob),
        ...problemAnswers(400, 401, 403, 404, 409, 413, 415, 422, 503),
      },
    },
    handler: async (request, reply): Promise<BulkJob | BulkPreview> => {
      const { tenant, mode = null, filter, action, dry_run } = request.body
      const scope = { ofTenant: tenant === 'all' ? null : tenant, mode }
      const now = deps.clock.now()
      if (dry_run)
        return presentPreview(action, await previewBulk(deps.db, scope, { action, filter }, { now }))
      const job = await startBulkJob(jobsOfOperator(deps.operator), scope, { action, filter }, now)
      reply.code(202)
      return presentBulkJob(job)
    },
  })
}
