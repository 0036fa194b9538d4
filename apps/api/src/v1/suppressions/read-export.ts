import { Readable } from 'node:stream'
import { readExport } from '@lettergate/core/suppressions'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { pathId } from '../../http/path-id.ts'
import { JobPath, problemAnswers } from '../../http/schemas.ts'

const Csv = z.string().describe('address, stream, reason, note, created_at, expires_at, message_id.')

/** Answers the file of an export, read from the database as fast as the client takes it. */
export function addReadExportRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.get<{ Params: { id: string } }>('/v1/suppressions/jobs/:id/csv', {
    config: { scope: 'suppressions:read', takesLong: true },
    schema: {
      operationId: 'readSuppressionExport',
      summary: 'Read the file of an export',
      description: 'The entries by address, with a line that names the columns. 409 until the job is done.',
      tags: ['Suppressions'],
      params: JobPath,
      response: {
        200: { description: 'The file.', content: { 'text/csv': { schema: Csv } } },
        ...problemAnswers(401, 403, 404, 409, 503),
      },
    },
    handler: async (request, reply) => {
      const pieces = await readExport(deps, tenantOf(request), pathId('job', request.params.id))
      return reply
        .header('content-type', 'text/csv; charset=utf-8')
        .header('content-disposition', 'attachment; filename="suppressions.csv"')
        .header('x-content-type-options', 'nosniff')
        .send(Readable.from(pieces, { objectMode: false }))
    },
  })
}
