import { BulkJob, BulkPreview, BulkRequest } from '@lettergate/contracts/messages/bulk'
import { jobsOfTenant, previewBulk, startBulkJob } from '@lettergate/core/messages'
import { presentBulkJob, presentPreview } from '../../http/present-bulk.ts'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'

/** Starts an action on many messages, or counts them. */
export const startBulkRoute = tenantRoute('POST', '/v1/messages/bulk', {
  scope: 'messages:write',
  takesLong: true,
  operationId: 'startBulk',
  summary: 'Act on many messages',
  description:
    'Cancels, retries, holds or releases all messages that match a filter, as a job: read it to see how far it is. Messages that are stored after the request do not match. ' +
    'With `dry_run`, the messages are counted and nothing is changed. At most 5 jobs may be unfinished.',
  body: BulkRequest,
  answers: {
    200: answer('With `dry_run`: what would be changed.', BulkPreview),
    202: answer('The job.', BulkJob),
  },
  problems: [409],
  handler: async ({ deps, reply, tenant, body }) => {
    const { tenantId, mode } = tenant
    const { filter, action, dry_run } = body
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
