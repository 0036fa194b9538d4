import { ListTenantsQuery, TenantList } from '@lettergate/contracts/admin/tenants'
import { listTenants, presentTenant } from '@lettergate/core/tenants'
import { asOperator } from '../../http/as-operator.ts'
import { operatorRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'

/** Lists tenants. */
export const listTenantsRoute = operatorRoute('GET', '/v1/admin/tenants', {
  operationId: 'adminListTenants',
  summary: 'List tenants',
  description: 'Tenants that pass all filters, the newest first.',
  query: ListTenantsQuery,
  answers: { 200: answer('A page of tenants.', TenantList) },
  problems: [400],
  handler: async ({ deps, query }) => {
    const { rows, nextCursor } = await asOperator(deps, (db) => listTenants(db, deps.cursorKey, query))
    return { data: rows.map(presentTenant), next_cursor: nextCursor }
  },
})
