import { Tenant } from '@lettergate/contracts/admin/tenants'
import { presentTenant, resumeTenant } from '@lettergate/core/tenants'
import { asOperator } from '../../http/as-operator.ts'
import { operatorRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'

/** Resumes a suspended tenant. */
export const resumeTenantRoute = operatorRoute('POST', '/v1/admin/tenants/:id/resume', {
  operationId: 'adminResumeTenant',
  summary: 'Resume a tenant',
  description:
    'Its keys work again within five seconds, and its mail that waited is sent. The retry limit of that mail begins anew.',
  id: 'ten',
  answers: { 200: answer('The tenant, active.', Tenant) },
  handler: async ({ deps, id }) => presentTenant(await asOperator(deps, (db) => resumeTenant(db, id))),
})
