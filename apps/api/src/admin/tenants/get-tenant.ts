import { Tenant } from '@lettergate/contracts/admin/tenants'
import { presentTenant, readTenant } from '@lettergate/core/tenants'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { asOperator } from '../../http/as-operator.ts'
import { pathId } from '../../http/path-id.ts'
import { answer, problemAnswers, TenantPath } from '../../http/schemas.ts'

/** Reads a tenant. */
export function addGetTenantRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.get<{ Params: { id: string } }>('/v1/admin/tenants/:id', {
    config: { scope: 'admin' },
    schema: {
      operationId: 'adminGetTenant',
      summary: 'Read a tenant',
      description: 'One tenant, its plan, its own limits and its state.',
      tags: ['Operator'],
      params: TenantPath,
      response: { 200: answer('The tenant.', Tenant), ...problemAnswers(401, 403, 404, 503) },
    },
    handler: async (request): Promise<Tenant> => {
      const id = pathId('ten', request.params.id)
      return presentTenant(await asOperator(deps, (db) => readTenant(db, id)))
    },
  })
}
