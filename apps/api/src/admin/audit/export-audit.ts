import { AdminAuditFilter } from '@lettergate/contracts/audit/audit'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { ApiDeps } from '../../deps.ts'
import { operatorAudit, sendAuditLines } from '../../http/audit-readers.ts'
import { problemAnswers } from '../../http/schemas.ts'

const Lines = z.string().describe('A change in each line, as in the list, newest first.')

/** Answers the changes of all tenants, as lines of JSON. */
export function addExportAdminAuditRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.get<{ Querystring: AdminAuditFilter }>('/v1/admin/audit/export', {
    config: { scope: 'admin', takesLong: true },
    schema: {
      operationId: 'adminExportAudit',
      summary: 'Export changes of all tenants',
      description: 'All changes that pass the filters, as lines of JSON.',
      tags: ['Operator'],
      querystring: AdminAuditFilter,
      response: {
        200: { description: 'The changes.', content: { 'application/x-ndjson': { schema: Lines } } },
        ...problemAnswers(401, 403, 422, 503),
      },
    },
    handler: async (request, reply) => {
      const { tenant, ...filter } = request.query
      return sendAuditLines(reply, operatorAudit(deps, tenant), filter)
    },
  })
}
