import { ImportSuppressionsQuery, SuppressionJob } from '@lettergate/contracts/suppressions/suppressions'
import { IMPORT_LINES_MAX, startImport } from '@lettergate/core/suppressions'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { addCsvBody, CSV_BYTES_MAX } from '../../http/csv-body.ts'
import { answer, problemAnswers } from '../../http/schemas.ts'
import { presentJob } from './present-suppression.ts'

const Csv = z.string().describe('Lines of CSV in UTF-8.')

/** Takes a file of addresses. */
export function addImportSuppressionsRoute(app: FastifyInstance, deps: ApiDeps): void {
  addCsvBody(app, deps)
  app.post<{ Querystring: ImportSuppressionsQuery; Body: Buffer }>('/v1/suppressions/import', {
    config: { scope: 'suppressions:write', takesLong: true },
    schema: {
      operationId: 'importSuppressions',
      summary: 'Import suppressions',
      description:
        `Takes a file of up to ${CSV_BYTES_MAX / 1_000_000} MB and ${IMPORT_LINES_MAX} lines, and answers a job that reads it. ` +
        'A first line with a column `address` or `email` names the columns; `stream`, `reason`, `note` and `expires_at` are read too, ' +
        'and others are left out. Without such a line, the first column is the address. Cells have no line breaks. Lines that cannot ' +
        'be read are counted and left out. A repeat of the same file changes nothing.',
      tags: ['Suppressions'],
      querystring: ImportSuppressionsQuery,
      consumes: ['text/csv'],
      body: Csv,
      response: {
        202: answer('The file is stored, and a job reads it.', SuppressionJob),
        ...problemAnswers(401, 403, 409, 413, 415, 422, 503),
      },
    },
    handler: async (request, reply) => {
      const job = presentJob(await startImport(deps, tenantOf(request), request.body, request.query))
      return reply.code(202).header('location', `/v1/suppressions/jobs/${job.id}`).send(job)
    },
  })
}
