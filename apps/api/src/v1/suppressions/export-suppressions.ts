import { ExportSuppressionsRequest, SuppressionJob } from '@lettergate/contracts/suppressions/suppressions'
import { startExport } from '@lettergate/core/suppressions'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { answer, problemAnswers } from '../../http/schemas.ts'
import { presentJob } from './present-suppression.ts'

/** Writes the list into a file. */
export function addExportSuppressionsRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.post<{ Body: ExportSuppressionsRequest }>('/v1/suppressions/export', {
    config: { scope: 'suppressions:write' },
    schema: {
      operationId: 'exportSuppressions',
      summary: 'Export suppressions',
      description:
        'Answers a job that writes the list into a CSV file, which an import reads again. Once its state is `done`, `result` says where ' +
        'the file is. Entries that are added meanwhile may be in it or not.',
      tags: ['Suppressions'],
      body: ExportSuppressionsRequest,
      response: {
        202: answer('A job writes the file.', SuppressionJob),
        ...problemAnswers(400, 401, 403, 409, 413, 415, 422, 503),
      },
    },
    handler: async (request, reply) => {
      const job = presentJob(await startExport(deps, tenantOf(request), request.body))
      return reply.code(202).header('location', `/v1/suppressions/jobs/${job.id}`).send(job)
    },
  })
}
