import { DataJob, ErasureRequest } from '@lettergate/contracts/data-life/data-life'
import { startErasureOfAll } from '@lettergate/core/data-life'
import { operatorRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { presentDataJob } from '../../v1/data-life/present-job.ts'
import { FILES } from './files.ts'

/** Erases an address from the data of all tenants. */
export const eraseForAllRoute = operatorRoute('POST', '/v1/admin/erasures', {
  operationId: 'eraseAddressForAll',
  summary: 'Erase an address for all tenants',
  description: 'As the erasure of a tenant, in the data of all tenants. This cannot be undone.',
  body: ErasureRequest,
  answers: { 202: answer('A job erases the address.', DataJob) },
  handler: async ({ deps, reply, body }) => {
    const job = presentDataJob(await startErasureOfAll(deps.db, body), FILES)
    reply.header('location', `${FILES}/${job.id}`)
    return job
  },
})
