import { SuspendTenantRequest, Tenant } from '@lettergate/contracts/admin/tenants'
import { presentTenant, suspendTenant } from '@lettergate/core/tenants'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { asOperator } from '../../http/as-operator.ts'
import { pathId } from '../../http/path-id.ts'
import { answer, problemAnswers, TenantPath } from '../../http/schemas.ts'

/** Suspends a tenant. */
export function addSuspendTenantRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.post<{ Params: { id: string }; Body: SuspendTenantRequest }>('/v1/admin/tenants/:id/suspend', {
    config: { scope: 'admin' },
    schema: {
      operationId: 'adminSuspendTenant',
      summary: 'Suspend a tenant',
      description:
        'Within five seconds, all requests of the tenant but reading are refused with 403 `tenant-suspended` and this reason. Its accepted mail waits, and is not lost. ' +
        'Callbacks go on: they report what happens to mail that was sent. A second request changes the reason.',
      tags: ['Operator'],
      params: TenantPath,
      body: SuspendTenantRequest,
      response: {
        200: answer('The tenant, suspended.', Tenant),
        ...problemAnswers(400, 401, 403, 404, 413, 415, 422, 503),
      },
    },
    handler: async (request): Promise<Tenant> => {
      const id = pathId('ten', request.params.id)
      const { reason } = request.body
      return presentTenant(await asOperator(deps, (db) => suspendTenant(db, id, reason)))
    },
  })
}
