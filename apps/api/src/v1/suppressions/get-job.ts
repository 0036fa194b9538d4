import { SuppressionJob } from '@lettergate/contracts/suppressions/suppressions'
import { readJob } from '@lettergate/core/suppressions'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { pathId } from '../../http/path-id.ts'
import { answer, JobPath, problemAnswers } from '../../http/schemas.ts'
import { presentJob } from './present-suppression.ts'

/** Says how far an import or export is. */
export function addGetJobRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.get<{ Params: { id: string } }>('/v1/suppressions/jobs/:id', {
    config: { scope: 'suppressions:read' },
    schema: {
      operationId: 'getSuppressionJob',
      summary: 'Read a job',
      description: 'How far an import or export is. A job is kept for 7 days after its end.',
      tags: ['Suppressions'],
      params: JobPath,
      response: { 200: answer('The job.', SuppressionJob), ...problemAnswers(401, 403, 404, 503) },
    },
    handler: async (request): Promise<SuppressionJob> =>
      presentJob(await readJob(deps, tenantOf(request), pathId('job', request.params.id))),
  })
}
