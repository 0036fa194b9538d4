import { readExportFile } from '@lettergate/core/data-life'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { pathId } from '../../http/path-id.ts'
import { JobPath, problemAnswers } from '../../http/schemas.ts'
import { ExportFile } from '../../v1/data-life/paths.ts'
import { sendExportFile } from '../../v1/data-life/send-file.ts'

/** Answers the file of an export of any tenant. */
export function addReadDataFileRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.get<{ Params: { id: string } }>('/v1/admin/data-jobs/:id/file', {
    config: { scope: 'admin', takesLong: true },
    schema: {
      operationId: 'readDataFile',
      summary: 'Read the file of an export of a tenant',
      description: 'The same bytes each time. 409 until the job is done.',
      tags: ['Operator'],
      params: JobPath,
      response: {
        200: { description: 'The file.', content: { 'application/x-ndjson': { schema: ExportFile } } },
        ...problemAnswers(401, 403, 404, 409, 503),
      },
    },
    handler: async (request, reply) =>
      sendExportFile(
        reply,
        request.params.id,
        await readExportFile(deps.db, pathId('job', request.params.id)),
      ),
  })
}
