import { DataExportRequest, DataJob } from '@lettergate/contracts/data-life/data-life'
import { startDataExport } from '@lettergate/core/data-life'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { pathId } from '../../http/path-id.ts'
import { answer, problemAnswers, TenantPath } from '../../http/schemas.ts'
import { presentDataJob } from '../../v1/data-life/present-job.ts'
import { FILES } from './files.ts'

/** Writes all that a tenant has into a file, for the operator. */
export function addExportTenantRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.post<{ Params: { id: string }; Body: DataExportRequest }>('/v1/admin/tenants/:id/export', {
    config: { scope: 'admin' },
    schema: {
      operationId: 'exportTenant',
      summary: 'Export the data of a tenant',
      description: 'As the export of the tenant itself.',
      tags: ['Operator'],
      params: TenantPath,
      body: DataExportRequest,
      response: {
        202: answer('A job writes the file.', DataJob),
        ...problemAnswers(400, 401, 403, 404, 409, 413, 415, 422, 503),
      },
    },
    handler: async (request, reply) => {
      const tenantId = pathId('ten', request.params.id)
      const job = presentDataJob(
        await startDataExport(deps.tenants.forTenant(tenantId), tenantId, request.body),
        FILES,
      )
      return reply.code(202).header('location', `${FILES}/${job.id}`).send(job)
    },
  })
}
