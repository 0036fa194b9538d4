import { Tenant } from '@lettergate/contracts/admin/tenants'
import { presentTenant, readTenant } from '@lettergate/core/tenants'
import { asOperator } from '../../http/as-operator.ts'
import { operatorRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'

/** Reads a tenant. */
export const getTenantRoute = operatorRoute('GET', '/v1/admin/tenants/:id', {
  operationId: 'adminGetTenant',
  summary: 'Read a tenant',
  description: 'One tenant, its plan, its own limits and its state.',
  id: 'ten',
  answers: { 200: answer('The tenant.', Tenant) },
  handler: async ({ deps, id }) => presentTenant(await asOperator(deps, (db) => readTenant(db, id))),
})
