import { fromPublicId, toPublicId } from '@lettergate/contracts/lib/ids'
import { PoolTenantList, PoolTenantsQuery } from '@lettergate/contracts/pool/pool'
import { fromStorage } from '@lettergate/core/lib'
import { listPoolTenants } from '@lettergate/core/pool'
import { operatorRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { presentPoolTenant } from './present-pool-tenant.ts'

/** Lists the tenants that use the pool. */
export const listPoolTenantsRoute = operatorRoute('GET', '/v1/admin/pool/tenants', {
  operationId: 'listPoolTenants',
  summary: 'List the tenants of the shared pool',
  description:
    'Tenants that sent through the pool within the window, or that a decision was made about: what they sent, how much of it bounced ' +
    'or was reported as spam, and what they may still send today. Needs an operator key.',
  query: PoolTenantsQuery,
  answers: { 200: answer('One page of tenants.', PoolTenantList) },
  handler: async ({ deps, query: { cursor, limit } }) => {
    const after = fromPublicId('ten', cursor ?? '') ?? undefined
    const rows = await fromStorage(listPoolTenants(deps.db, { after, limit: limit + 1 }))
    const page = rows.slice(0, limit)
    const last = rows.length > limit ? page.at(-1) : undefined
    return {
      data: page.map(presentPoolTenant),
      next_cursor: last ? toPublicId('ten', last.tenantId) : null,
    }
  },
})
