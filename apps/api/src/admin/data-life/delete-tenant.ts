import { DataJob, DeletionRequest } from '@lettergate/contracts/data-life/data-life'
import { startDeletion } from '@lettergate/core/data-life'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { pathId } from '../../http/path-id.ts'
import { answer, problemAnswers, TenantPath } from '../../http/schemas.ts'
import { presentDataJob } from '../../v1/data-life/present-job.ts'
import { FILES } from './files.ts'

/** Deletes a tenant with everything it has. */
export function addDeleteTenantRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.delete<{ Params: { id: string }; Body: DeletionRequest }>('/v1/admin/tenants/:id', {
    config: { scope: 'admin' },
    schema: {
      operationId: 'deleteTenant',
      summary: 'Delete a tenant',
      description:
        'Answers a job that deletes a tenant with everything it has. This cannot be undone. Its keys stop within 5 seconds, and the key of its ' +
        'secrets is overwritten, before any row is deleted. Export its data first if somebody may need it.',
      tags: ['Operator'],
      params: TenantPath,
      body: DeletionRequest,
      response: {
        202: answer('A job deletes the tenant.', DataJob),
        ...problemAnswers(400, 401, 403, 404, 413, 415, 422, 503),
      },
    },
    handler: async (request, reply) => {
      const { principal, id: requestId, ip } = request
      const actor = { kind: 'admin', key_id: principal?.keyId, request_id: requestId, address: ip }
      const tenantId = pathId('ten', request.params.id)
      const of = { db: deps.db, own: deps.tenants.forTenant(tenantId) }
      const { confirm } = request.body
      const job = presentDataJob(await startDeletion(of, tenantId, { confirm, actor }), FILES)
      return reply.code(202).header('location', `${FILES}/${job.id}`).send(job)
    },
  })
}
