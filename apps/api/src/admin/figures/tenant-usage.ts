import { TenantUsage, TenantUsageQuery } from '@lettergate/contracts/admin/figures'
import { fromStorage } from '@lettergate/core/lib'
import { readTenant } from '@lettergate/core/tenants'
import { readUsageDaysForOperator } from '@lettergate/core/usage'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { asOperator } from '../../http/as-operator.ts'
import { pathId } from '../../http/path-id.ts'
import { answer, problemAnswers, TenantPath } from '../../http/schemas.ts'

/** Says what a tenant used. */
export function addTenantUsageRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.get<{ Params: { id: string }; Querystring: TenantUsageQuery }>('/v1/admin/tenants/:id/usage', {
    config: { scope: 'admin' },
    schema: {
      operationId: 'adminGetTenantUsage',
      summary: 'Read the usage of a tenant',
      description: 'Recipients and bytes by UTC day.',
      tags: ['Operator'],
      params: TenantPath,
      querystring: TenantUsageQuery,
      response: { 200: answer('The usage.', TenantUsage), ...problemAnswers(401, 403, 404, 422, 503) },
    },
    handler: async (request): Promise<TenantUsage> => {
      const id = pathId('ten', request.params.id)
      await asOperator(deps, (db) => readTenant(db, id))
      return { data: await fromStorage(readUsageDaysForOperator(deps.figures, id, request.query.days)) }
    },
  })
}
