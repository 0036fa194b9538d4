import { ListTenantsQuery, TenantList } from '@lettergate/contracts/admin/tenants'
import { listTenants, presentTenant } from '@lettergate/core/tenants'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { asOperator } from '../../http/as-operator.ts'
import { answer, problemAnswers } from '../../http/schemas.ts'

/** Lists tenants. */
export function addListTenantsRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.get<{ Querystring: ListTenantsQuery }>('/v1/admin/tenants', {
    config: { scope: 'admin' },
    schema: {
      operationId: 'adminListTenants',
      summary: 'List tenants',
      description: 'Tenants that pass all filters, the newest first.',
      tags: ['Operator'],
      querystring: ListTenantsQuery,
      response: {
        200: answer('A page of tenants.', TenantList),
        ...problemAnswers(400, 401, 403, 422, 503),
      },
    },
    handler: async (request): Promise<TenantList> => {
      const { rows, nextCursor } = await asOperator(deps, (db) =>
        listTenants(db, deps.cursorKey, request.query),
      )
      return { data: rows.map(presentTenant), next_cursor: nextCursor }
    },
  })
}
