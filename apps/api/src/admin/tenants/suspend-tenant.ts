import { SuspendTenantRequest, Tenant } from '@lettergate/contracts/admin/tenants'
import { presentTenant, suspendTenant } from '@lettergate/core/tenants'
import { asOperator } from '../../http/as-operator.ts'
import { operatorRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'

/** Suspends a tenant. */
export const suspendTenantRoute = operatorRoute('POST', '/v1/admin/tenants/:id/suspend', {
  operationId: 'adminSuspendTenant',
  summary: 'Suspend a tenant',
  description:
    'Within five seconds, all requests of the tenant but reading are refused with 403 `tenant-suspended` and this reason. Its accepted mail waits, and is not lost. ' +
    'Callbacks go on: they report what happens to mail that was sent. A second request changes the reason.',
  id: 'ten',
  body: SuspendTenantRequest,
  answers: { 200: answer('The tenant, suspended.', Tenant) },
  handler: async ({ deps, id, body }) => {
    const { reason } = body
    return presentTenant(await asOperator(deps, (db) => suspendTenant(db, id, reason)))
  },
})
