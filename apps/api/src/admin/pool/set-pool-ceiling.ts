import { PoolCeilingRequest, PoolTenant } from '@lettergate/contracts/pool/pool'
import { Problem } from '@lettergate/contracts/problems/problems'
import { fromStorage } from '@lettergate/core/lib'
import { setPoolCeiling } from '@lettergate/core/pool'
import { operatorRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { readStanding } from './present-pool-tenant.ts'

/** Sets the most that one tenant sends through the pool in a day. */
export const setPoolCeilingRoute = operatorRoute('POST', '/v1/admin/pool/tenants/:id/ceiling', {
  operationId: 'setPoolCeiling',
  summary: 'Limit a tenant’s share of the shared pool',
  description:
    'Holds at once, and until you change it: the limit does not rise automatically any more. It never allows more than the plan. Needs an operator key.',
  id: 'ten',
  body: PoolCeilingRequest,
  answers: { 200: answer('How the tenant stands now.', PoolTenant) },
  handler: async ({ deps, id, body }) => {
    if (!(await fromStorage(setPoolCeiling(deps.db, id, body.recipients)))) throw new Problem('not-found')
    return readStanding(deps.db, id)
  },
})
