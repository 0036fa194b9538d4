import { Tenant } from '@lettergate/contracts/admin/tenants'
import { presentTenant, resumeTenant } from '@lettergate/core/tenants'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { asOperator } from '../../http/as-operator.ts'
import { pathId } from '../../http/path-id.ts'
import { answer, problemAnswers, TenantPath } from '../../http/schemas.ts'

/** Resumes a suspended tenant. */
export function addResumeTenantRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.post<{ Params: { id: string } }>('/v1/admin/tenants/:id/resume', {
    config: { scope: 'admin' },
    schema: {
      operationId: 'adminResumeTenant',
      summary: 'Resume a tenant',
      description:
        'Its keys work again within five seconds, and its mail that waited is sent. The retry limit of that mail begins anew.',
      tags: ['Operator'],
      params: TenantPath,
      response: { 200: answer('The tenant, active.', Tenant), ...problemAnswers(401, 403, 404, 503) },
    },
    handler: async (request): Promise<Tenant> => {
      const id = pathId('ten', request.params.id)
      return presentTenant(await asOperator(deps, (db) => resumeTenant(db, id)))
    },
  })
}
