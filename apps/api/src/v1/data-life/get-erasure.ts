import { DataJob } from '@lettergate/contracts/data-life/data-life'
import { readJobOf } from '@lettergate/core/data-life'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { pathId } from '../../http/path-id.ts'
import { answer, JobPath, problemAnswers } from '../../http/schemas.ts'
import { presentDataJob } from './present-job.ts'

/** The receipt of an erasure. */
export function addGetErasureRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.get<{ Params: { id: string } }>('/v1/erasures/:id', {
    config: { scope: 'settings:read', liveOnly: true },
    schema: {
      operationId: 'getErasure',
      summary: 'Read the receipt of an erasure',
      description:
        'How far an erasure is, and how many rows it changed in each table. It has a hash of the address.',
      tags: ['Data'],
      params: JobPath,
      response: { 200: answer('The receipt.', DataJob), ...problemAnswers(401, 403, 404, 503) },
    },
    handler: async (request): Promise<DataJob> => {
      const db = deps.tenants.forTenant(tenantOf(request).tenantId)
      return presentDataJob(await readJobOf(db, pathId('job', request.params.id), 'erasure'))
    },
  })
}
