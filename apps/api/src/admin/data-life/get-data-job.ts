import { DataJob } from '@lettergate/contracts/data-life/data-life'
import { readJobOf } from '@lettergate/core/data-life'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { pathId } from '../../http/path-id.ts'
import { answer, JobPath, problemAnswers } from '../../http/schemas.ts'
import { presentDataJob } from '../../v1/data-life/present-job.ts'
import { FILES } from './files.ts'

/** Says how far a job of any tenant is, or of none. */
export function addGetDataJobRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.get<{ Params: { id: string } }>('/v1/admin/data-jobs/:id', {
    config: { scope: 'admin' },
    schema: {
      operationId: 'getDataJob',
      summary: 'Read an export, erasure or deletion',
      description: 'How far it is. Receipts of erasures and deletions are kept for three years.',
      tags: ['Operator'],
      params: JobPath,
      response: { 200: answer('The job.', DataJob), ...problemAnswers(401, 403, 404, 503) },
    },
    handler: async (request): Promise<DataJob> =>
      presentDataJob(await readJobOf(deps.db, pathId('job', request.params.id)), FILES),
  })
}
