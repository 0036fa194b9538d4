import { readExportFile } from '@lettergate/core/data-life'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { pathId } from '../../http/path-id.ts'
import { JobPath, problemAnswers } from '../../http/schemas.ts'
import { ExportFile } from './paths.ts'
import { sendExportFile } from './send-file.ts'

/** Answers the file of an export. */
export function addReadFileRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.get<{ Params: { id: string } }>('/v1/export/:id/file', {
    config: { scope: 'settings:read', liveOnly: true, takesLong: true },
    schema: {
      operationId: 'readExportFile',
      summary: 'Read the file of an export',
      description: 'The same bytes each time. 409 until the job is done.',
      tags: ['Data'],
      params: JobPath,
      response: {
        200: { description: 'The file.', content: { 'application/x-ndjson': { schema: ExportFile } } },
        ...problemAnswers(401, 403, 404, 409, 503),
      },
    },
    handler: async (request, reply) => {
      const db = deps.tenants.forTenant(tenantOf(request).tenantId)
      const pieces = await readExportFile(db, pathId('job', request.params.id))
      return sendExportFile(reply, request.params.id, pieces)
    },
  })
}
