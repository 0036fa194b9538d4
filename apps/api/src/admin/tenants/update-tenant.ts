import { Tenant, UpdateTenantRequest } from '@lettergate/contracts/admin/tenants'
import { presentTenant, updateTenant } from '@lettergate/core/tenants'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { asOperator } from '../../http/as-operator.ts'
import { pathId } from '../../http/path-id.ts'
import { answer, problemAnswers, TenantPath } from '../../http/schemas.ts'

/** Changes a tenant. */
export function addUpdateTenantRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.patch<{ Params: { id: string }; Body: UpdateTenantRequest }>('/v1/admin/tenants/:id', {
    config: { scope: 'admin' },
    schema: {
      operationId: 'adminUpdateTenant',
      summary: 'Change a tenant',
      description:
        'Changes the name, the plan or the own limits of a tenant. A new plan holds for what it sends from now on.',
      tags: ['Operator'],
      params: TenantPath,
      body: UpdateTenantRequest,
      response: {
        200: answer('The tenant, changed.', Tenant),
        ...problemAnswers(400, 401, 403, 404, 413, 415, 422, 503),
      },
    },
    handler: async (request): Promise<Tenant> => {
      const id = pathId('ten', request.params.id)
      return presentTenant(await asOperator(deps, (db) => updateTenant(db, id, request.body)))
    },
  })
}
