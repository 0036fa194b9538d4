import { Tenant, UpdateTenantRequest } from '@lettergate/contracts/admin/tenants'
import { presentTenant, updateTenant } from '@lettergate/core/tenants'
import { asOperator } from '../../http/as-operator.ts'
import { operatorRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'

/** Changes a tenant. */
export const updateTenantRoute = operatorRoute('PATCH', '/v1/admin/tenants/:id', {
  operationId: 'adminUpdateTenant',
  summary: 'Change a tenant',
  description:
    'Changes the name, the plan or the own limits of a tenant. A new plan holds for what it sends from now on.',
  id: 'ten',
  body: UpdateTenantRequest,
  answers: { 200: answer('The tenant, changed.', Tenant) },
  handler: async ({ deps, id, body }) =>
    presentTenant(await asOperator(deps, (db) => updateTenant(db, id, body))),
})
