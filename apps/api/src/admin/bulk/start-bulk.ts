import { AdminBulkRequest, BulkJob, BulkPreview } from '@lettergate/contracts/messages/bulk'
import { jobsOfOperator, previewBulk, startBulkJob } from '@lettergate/core/messages'
import { presentBulkJob, presentPreview } from '../../http/present-bulk.ts'
import { operatorRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'

/** Starts an action on many messages of a tenant or of all, or counts them. */
export const startAdminBulkRoute = operatorRoute('POST', '/v1/admin/messages/bulk', {
  takesLong: true,
  operationId: 'adminStartBulk',
  summary: 'Act on many messages',
  description: 'As `POST /v1/messages/bulk`, for one tenant or for all.',
  body: AdminBulkRequest,
  answers: {
    200: answer('With `dry_run`: what would be changed.', BulkPreview),
    202: answer('The job.', BulkJob),
  },
  problems: [404, 409],
  handler: async ({ deps, reply, body }) => {
    const { tenant, mode = null, filter, action, dry_run } = body
    const scope = { ofTenant: tenant === 'all' ? null : tenant, mode }
    const now = deps.clock.now()
    if (dry_run) return presentPreview(action, await previewBulk(deps.db, scope, { action, filter }, { now }))
    const job = await startBulkJob(jobsOfOperator(deps.operator), scope, { action, filter }, now)
    reply.code(202)
    return presentBulkJob(job)
  },
})
