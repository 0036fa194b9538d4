import { DataJob, ErasureRequest } from '@lettergate/contracts/data-life/data-life'
import { startErasure } from '@lettergate/core/data-life'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { presentDataJob } from './present-job.ts'

/** Erases an address from all that a tenant has. */
export const startErasureRoute = tenantRoute('POST', '/v1/erasures', {
  scope: 'settings:write',
  liveOnly: true,
  operationId: 'eraseAddress',
  summary: 'Erase an address',
  description:
    'Answers a job that erases an address from all your data of both modes. This cannot be undone. Mail that waits for the address is cancelled ' +
    'first. Content of messages to and from it is deleted, and everywhere else a hash takes its place. An address on a suppression list ' +
    'stays suppressed. The job is the receipt, and is kept for three years.',
  body: ErasureRequest,
  answers: { 202: answer('A job erases the address.', DataJob) },
  problems: [409],
  handler: async ({ deps, reply, tenantId, body }) => {
    const job = presentDataJob(await startErasure(deps.tenants.forTenant(tenantId), tenantId, body))
    reply.header('location', `/v1/erasures/${job.id}`)
    return job
  },
})
