import { PoolDecisionRequest, PoolTenant } from '@lettergate/contracts/pool/pool'
import { Problem } from '@lettergate/contracts/problems/problems'
import { FIRST_TENANT } from '@lettergate/core/dispatch'
import { fromStorage } from '@lettergate/core/lib'
import { setPoolState } from '@lettergate/core/pool'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { pathId } from '../../http/path-id.ts'
import { answer, problemAnswers, TenantPath } from '../../http/schemas.ts'
import { presentPoolTenant, readPoolTenants } from './present-pool-tenant.ts'

const DECISIONS = {
  pause: {
    state: 'paused',
    operationId: 'pausePoolTenant',
    summary: 'Pause the shared pool for a tenant',
    description:
      'Nothing of the tenant goes through the pool from now on; its own connections go on. Its waiting mail is held for 7 days at most. The ' +
      'tenant gets the event `pool.paused` with your reason. A repeat changes nothing. Needs an operator key.',
  },
  resume: {
    state: 'ok',
    operationId: 'resumePoolTenant',
    summary: 'Let a tenant use the shared pool again',
    description:
      'Ends a pause or a warning. Earlier bounces and complaints do not count any more, and held mail is sent within seconds. The tenant gets ' +
      'the event `pool.resumed`. A repeat changes nothing. Needs an operator key.',
  },
} as const

type Route = { Params: { id: string }; Body: PoolDecisionRequest }

/** The operator stops or releases a tenant's mail through the pool. */
export function addDecidePoolTenantRoutes(app: FastifyInstance, deps: ApiDeps): void {
  function optionsFor({ state, ...words }: (typeof DECISIONS)[keyof typeof DECISIONS]) {
    return {
      config: { scope: 'admin' },
      schema: {
        ...words,
        tags: ['Shared pool'],
        params: TenantPath,
        body: PoolDecisionRequest,
        response: {
          200: answer('How the tenant stands now.', PoolTenant),
          ...problemAnswers(400, 401, 403, 404, 413, 415, 422, 503),
        },
      },
      handler: async (request: FastifyRequest<Route>): Promise<PoolTenant> => {
        const tenantId = pathId('ten', request.params.id)
        const decision = { state, by: 'operator', why: request.body.reason } as const
        await fromStorage(setPoolState(deps.db, tenantId, decision))
        const [row] = await readPoolTenants(deps.db, { tenantId, after: FIRST_TENANT, limit: 1 })
        if (!row) throw new Problem('not-found')
        return presentPoolTenant(row)
      },
    } as const
  }

  app.post<Route>('/v1/admin/pool/tenants/:id/pause', optionsFor(DECISIONS.pause))
  app.post<Route>('/v1/admin/pool/tenants/:id/resume', optionsFor(DECISIONS.resume))
}
