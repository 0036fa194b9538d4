import { TenantUsage, TenantUsageQuery } from '@lettergate/contracts/admin/figures'
import { fromStorage } from '@lettergate/core/lib'
import { readTenant } from '@lettergate/core/tenants'
import { readUsageDaysForOperator } from '@lettergate/core/usage'
import { asOperator } from '../../http/as-operator.ts'
import { operatorRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'

/** Says what a tenant used. */
export const tenantUsageRoute = operatorRoute('GET', '/v1/admin/tenants/:id/usage', {
  operationId: 'adminGetTenantUsage',
  summary: 'Read the usage of a tenant',
  description: 'Recipients and bytes by UTC day.',
  id: 'ten',
  query: TenantUsageQuery,
  answers: { 200: answer('The usage.', TenantUsage) },
  handler: async ({ deps, id, query }) => {
    await asOperator(deps, (db) => readTenant(db, id))
    return { data: await fromStorage(readUsageDaysForOperator(deps.figures, id, query.days)) }
  },
})
