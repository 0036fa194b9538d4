import { DataExportRequest, DataJob } from '@lettergate/contracts/data-life/data-life'
import { startDataExport } from '@lettergate/core/data-life'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { answer, problemAnswers } from '../../http/schemas.ts'
import { presentDataJob } from './present-job.ts'

/** Writes all that a tenant has into a file. */
export function addStartExportRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.post<{ Body: DataExportRequest }>('/v1/export', {
    config: { scope: 'settings:read', liveOnly: true },
    schema: {
      operationId: 'exportData',
      summary: 'Export all your data',
      description:
        'Answers a job that writes settings, messages, recipients, attempts, events and suppressions of both modes into a file of JSON lines. ' +
        'Secrets are left out. Once its state is `done`, `result` says where the file is. Two exports run at a time at most.',
      tags: ['Data'],
      body: DataExportRequest,
      response: {
        202: answer('A job writes the file.', DataJob),
        ...problemAnswers(400, 401, 403, 409, 413, 415, 422, 503),
      },
    },
    handler: async (request, reply) => {
      const { tenantId } = tenantOf(request)
      const job = presentDataJob(
        await startDataExport(deps.tenants.forTenant(tenantId), tenantId, request.body),
      )
      return reply.code(202).header('location', `/v1/export/${job.id}`).send(job)
    },
  })
}
