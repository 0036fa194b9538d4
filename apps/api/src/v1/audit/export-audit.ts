import { AuditFilter } from '@lettergate/contracts/audit/audit'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { ApiDeps } from '../../deps.ts'
import { sendAuditLines, tenantAudit } from '../../http/audit-readers.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { problemAnswers } from '../../http/schemas.ts'

const Lines = z.string().describe('A change in each line, as in the list, newest first.')

/** Answers all changes, as lines of JSON. */
export function addExportAuditRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.get<{ Querystring: AuditFilter }>('/v1/audit/export', {
    config: { scope: 'audit:read', takesLong: true },
    schema: {
      operationId: 'exportAudit',
      summary: 'Export changes',
      description: 'All changes that pass the filters, as lines of JSON.',
      tags: ['Audit'],
      querystring: AuditFilter,
      response: {
        200: { description: 'The changes.', content: { 'application/x-ndjson': { schema: Lines } } },
        ...problemAnswers(401, 403, 422, 503),
      },
    },
    handler: async (request, reply) =>
      sendAuditLines(reply, tenantAudit(deps, tenantOf(request).tenantId), request.query),
  })
}
