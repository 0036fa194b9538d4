import { SuppressionJob } from '@lettergate/contracts/suppressions/suppressions'
import { readJob } from '@lettergate/core/suppressions'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { presentJob } from './present-suppression.ts'

/** Says how far an import or export is. */
export const getJobRoute = tenantRoute('GET', '/v1/suppressions/jobs/:id', {
  scope: 'suppressions:read',
  operationId: 'getSuppressionJob',
  summary: 'Read a job',
  description: 'How far an import or export is. A job is kept for 7 days after its end.',
  id: 'job',
  answers: { 200: answer('The job.', SuppressionJob) },
  handler: async ({ deps, tenant, id }) => presentJob(await readJob(deps, tenant, id)),
})
