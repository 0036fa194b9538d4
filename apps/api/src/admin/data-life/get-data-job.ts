import { DataJob } from '@lettergate/contracts/data-life/data-life'
import { readJobOf } from '@lettergate/core/data-life'
import { operatorRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { presentDataJob } from '../../v1/data-life/present-job.ts'
import { FILES } from './files.ts'

/** Says how far a job of any tenant is, or of none. */
export const getDataJobRoute = operatorRoute('GET', '/v1/admin/data-jobs/:id', {
  operationId: 'getDataJob',
  summary: 'Read an export, erasure or deletion',
  description: 'How far it is. Receipts of erasures and deletions are kept for three years.',
  id: 'job',
  answers: { 200: answer('The job.', DataJob) },
  handler: async ({ deps, id }) => presentDataJob(await readJobOf(deps.db, id), FILES),
})
