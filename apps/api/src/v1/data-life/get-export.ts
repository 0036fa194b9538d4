import { DataJob } from '@lettergate/contracts/data-life/data-life'
import { readJobOf } from '@lettergate/core/data-life'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { pathId } from '../../http/path-id.ts'
import { answer, JobPath, problemAnswers } from '../../http/schemas.ts'
import { presentDataJob } from './present-job.ts'

/** Says how far an export is. */
export function addGetExportRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.get<{ Params: { id: string } }>('/v1/export/:id', {
    config: { scope: 'settings:read', liveOnly: true },
    schema: {
      operationId: 'getExport',
      summary: 'Read an export',
      description: 'How far an export is. It is kept for 7 days after its end.',
      tags: ['Data'],
      params: JobPath,
      response: { 200: answer('The job.', DataJob), ...problemAnswers(401, 403, 404, 503) },
    },
    handler: async (request): Promise<DataJob> => {
      const db = deps.tenants.forTenant(tenantOf(request).tenantId)
      return presentDataJob(await readJobOf(db, pathId('job', request.params.id), 'export'))
    },
  })
}
