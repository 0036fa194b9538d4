import { SuppressionJob } from '@lettergate/contracts/suppressions/suppressions'
import { cancelJob } from '@lettergate/core/suppressions'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { pathId } from '../../http/path-id.ts'
import { answer, JobPath, problemAnswers } from '../../http/schemas.ts'
import { presentJob } from './present-suppression.ts'

/** Ends an import or export before its time. */
export function addCancelJobRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.post<{ Params: { id: string } }>('/v1/suppressions/jobs/:id/cancel', {
    config: { scope: 'suppressions:write' },
    schema: {
      operationId: 'cancelSuppressionJob',
      summary: 'Cancel a job',
      description:
        'Ends an import or export that has not ended. Entries that an import has added stay on the list; the file of an export is deleted.',
      tags: ['Suppressions'],
      params: JobPath,
      response: {
        200: answer('The job, cancelled.', SuppressionJob),
        ...problemAnswers(401, 403, 404, 409, 503),
      },
    },
    handler: async (request): Promise<SuppressionJob> =>
      presentJob(await cancelJob(deps, tenantOf(request), pathId('job', request.params.id))),
  })
}
