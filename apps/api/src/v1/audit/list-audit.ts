import { AuditList, ListAuditQuery } from '@lettergate/contracts/audit/audit'
import { listAudit, presentAudit } from '@lettergate/core/audit'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantAudit } from '../../http/audit-readers.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { answer, problemAnswers } from '../../http/schemas.ts'

/** Lists the changes that somebody made. */
export function addListAuditRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.get<{ Querystring: ListAuditQuery }>('/v1/audit', {
    config: { scope: 'audit:read' },
    schema: {
      operationId: 'listAudit',
      summary: 'List changes',
      description:
        'Every change of your tenant, its keys, connections, routes and endpoints: who, when, before and after. Newest first. Changes are kept for 400 days.',
      tags: ['Audit'],
      querystring: ListAuditQuery,
      response: {
        200: answer('A page of changes.', AuditList),
        ...problemAnswers(400, 401, 403, 422, 503),
      },
    },
    handler: async (request): Promise<AuditList> => {
      const reader = tenantAudit(deps, tenantOf(request).tenantId)
      const { rows, nextCursor } = await listAudit(reader, deps.cursorKey, request.query)
      return { data: rows.map(presentAudit), next_cursor: nextCursor }
    },
  })
}
