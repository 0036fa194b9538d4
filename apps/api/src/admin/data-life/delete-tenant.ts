import { DataJob, DeletionRequest } from '@lettergate/contracts/data-life/data-life'
import { startDeletion } from '@lettergate/core/data-life'
import { operatorRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { presentDataJob } from '../../v1/data-life/present-job.ts'
import { FILES } from './files.ts'

/** Deletes a tenant with everything it has. */
export const deleteTenantRoute = operatorRoute('DELETE', '/v1/admin/tenants/:id', {
  operationId: 'deleteTenant',
  summary: 'Delete a tenant',
  description:
    'Answers a job that deletes a tenant with everything it has. This cannot be undone. Its keys stop within 5 seconds, and the key of its ' +
    'secrets is overwritten, before any row is deleted. Export its data first if somebody may need it.',
  id: 'ten',
  body: DeletionRequest,
  answers: { 202: answer('A job deletes the tenant.', DataJob) },
  handler: async ({ deps, request, reply, id, body }) => {
    const { principal, id: requestId, ip } = request
    const actor = { kind: 'admin', key_id: principal?.keyId, request_id: requestId, address: ip }
    const of = { db: deps.db, own: deps.tenants.forTenant(id) }
    const { confirm } = body
    const job = presentDataJob(await startDeletion(of, id, { confirm, actor }), FILES)
    reply.header('location', `${FILES}/${job.id}`)
    return job
  },
})
