import { PoolDecisionRequest, PoolTenant } from '@lettergate/contracts/pool/pool'
import { fromStorage } from '@lettergate/core/lib'
import { setPoolState } from '@lettergate/core/pool'
import type { ApiDeps } from '../../deps.ts'
import { operatorRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { readStanding } from './present-pool-tenant.ts'

type Decision = { state: 'paused' | 'ok'; why: string }

async function decide(db: ApiDeps['db'], tenantId: string, decision: Decision): Promise<PoolTenant> {
  await fromStorage(setPoolState(db, tenantId, { ...decision, by: 'operator' }))
  return readStanding(db, tenantId)
}

const answers = { 200: answer('How the tenant stands now.', PoolTenant) }

/** Stops a tenant's mail through the pool. */
export const pausePoolTenantRoute = operatorRoute('POST', '/v1/admin/pool/tenants/:id/pause', {
  operationId: 'pausePoolTenant',
  summary: 'Pause the shared pool for a tenant',
  description:
    'Nothing of the tenant goes through the pool from now on; its own connections go on. Its waiting mail is held for 7 days at most. The ' +
    'tenant gets the event `pool.paused` with your reason. A repeat changes nothing. Needs an operator key.',
  id: 'ten',
  body: PoolDecisionRequest,
  answers,
  handler: ({ deps, id, body }) => decide(deps.db, id, { state: 'paused', why: body.reason }),
})

/** Releases a tenant's mail through the pool. */
export const resumePoolTenantRoute = operatorRoute('POST', '/v1/admin/pool/tenants/:id/resume', {
  operationId: 'resumePoolTenant',
  summary: 'Let a tenant use the shared pool again',
  description:
    'Ends a pause or a warning. Earlier bounces and complaints do not count any more, and held mail is sent within seconds. The tenant gets ' +
    'the event `pool.resumed`. A repeat changes nothing. Needs an operator key.',
  id: 'ten',
  body: PoolDecisionRequest,
  answers,
  handler: ({ deps, id, body }) => decide(deps.db, id, { state: 'ok', why: body.reason }),
})
