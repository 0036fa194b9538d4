import { PoolCeilingRequest, PoolTenant } from '@lettergate/contracts/pool/pool'
import { Problem } from '@lettergate/contracts/problems/problems'
import { FIRST_TENANT } from '@lettergate/core/dispatch'
import { fromStorage } from '@lettergate/core/lib'
import { setPoolCeiling } from '@lettergate/core/pool'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { pathId } from '../../http/path-id.ts'
import { answer, problemAnswers, TenantPath } from '../../http/schemas.ts'
import { presentPoolTenant, readPoolTenants } from './present-pool-tenant.ts'

/** Sets the most that one tenant sends through the pool in a day. */
export function addSetPoolCeilingRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.post<{ Params: { id: string }; Body: PoolCeilingRequest }>('/v1/admin/pool/tenants/:id/ceiling', {
    config: { scope: 'admin' },
    schema: {
      operationId: 'setPoolCeiling',
      summary: 'Limit a tenant’s share of the shared pool',
      description:
        'Holds at once, and until you change it: the limit does not rise automatically any more. It never allows more than the plan. Needs an operator key.',
      tags: ['Shared pool'],
      params: TenantPath,
      body: PoolCeilingRequest,
      response: {
        200: answer('How the tenant stands now.', PoolTenant),
        ...problemAnswers(400, 401, 403, 404, 413, 415, 422, 503),
      },
    },
    handler: async (request): Promise<PoolTenant> => {
      const tenantId = pathId('ten', request.params.id)
      if (!(await fromStorage(setPoolCeiling(deps.db, tenantId, request.body.recipients))))
        throw new Problem('not-found')
      const [row] = await readPoolTenants(deps.db, { tenantId, after: FIRST_TENANT, limit: 1 })
      if (!row) throw new Problem('not-found')
      return presentPoolTenant(row)
    },
  })
}
