import { AuditList, ListAdminAuditQuery } from '@lettergate/contracts/audit/audit'
import { listAudit, presentAudit } from '@lettergate/core/audit'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { operatorAudit } from '../../http/audit-readers.ts'
import { answer, problemAnswers } from '../../http/schemas.ts'

/** Lists the changes of all tenants and of the operator. */
export function addListAdminAuditRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.get<{ Querystring: ListAdminAuditQuery }>('/v1/admin/audit', {
    config: { scope: 'admin' },
    schema: {
      operationId: 'adminListAudit',
      summary: 'List changes of all tenants',
      description:
        'Every change of the operator and of tenants, newest first. Changes are kept for 400 days.',
      tags: ['Operator'],
      querystring: ListAdminAuditQuery,
      response: {
        200: answer('A page of changes.', AuditList),
        ...problemAnswers(400, 401, 403, 422, 503),
      },
    },
    handler: async (request): Promise<AuditList> => {
      const { tenant, ...query } = request.query
      const { rows, nextCursor } = await listAudit(operatorAudit(deps, tenant), deps.cursorKey, query)
      return { data: rows.map(presentAudit), next_cursor: nextCursor }
    },
  })
}
