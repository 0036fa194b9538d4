import { DataJob } from '@lettergate/contracts/data-life/data-life'
import { readJobOf } from '@lettergate/core/data-life'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { presentDataJob } from './present-job.ts'

/** The receipt of an erasure. */
export const getErasureRoute = tenantRoute('GET', '/v1/erasures/:id', {
  scope: 'settings:read',
  liveOnly: true,
  operationId: 'getErasure',
  summary: 'Read the receipt of an erasure',
  description:
    'How far an erasure is, and how many rows it changed in each table. It has a hash of the address.',
  id: 'job',
  answers: { 200: answer('The receipt.', DataJob) },
  handler: async ({ deps, tenantId, id }) => {
    const db = deps.tenants.forTenant(tenantId)
    return presentDataJob(await readJobOf(db, id, 'erasure'))
  },
})
