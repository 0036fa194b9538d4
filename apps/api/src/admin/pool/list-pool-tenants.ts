import { fromPublicId, toPublicId } from '@lettergate/contracts/lib/ids'
import { PoolTenantList, PoolTenantsQuery } from '@lettergate/contracts/pool/pool'
import { FIRST_TENANT } from '@lettergate/core/dispatch'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { answer, problemAnswers } from '../../http/schemas.ts'
import { presentPoolTenant, readPoolTenants } from './present-pool-tenant.ts'

/** Lists the tenants that use the pool. */
export function addListPoolTenantsRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.get<{ Querystring: PoolTenantsQuery }>('/v1/admin/pool/tenants', {
    config: { scope: 'admin' },
    schema: {
      operationId: 'listPoolTenants',
      summary: 'List the tenants of the shared pool',
      description:
        'Tenants that sent through the pool within the window, or that a decision was made about: what they sent, how much of it bounced ' +
        'or was reported as spam, and what they may still send today. Needs an operator key.',
      tags: ['Shared pool'],
      querystring: PoolTenantsQuery,
      response: {
        200: answer('One page of tenants.', PoolTenantList),
        ...problemAnswers(401, 403, 422, 503),
      },
    },
    handler: async (request): Promise<PoolTenantList> => {
      const { cursor, limit } = request.query
      const after = fromPublicId('ten', cursor ?? '') ?? FIRST_TENANT
      const rows = await readPoolTenants(deps.db, { tenantId: null, after, limit: limit + 1 })
      const page = rows.slice(0, limit)
      const last = rows.length > limit ? page.at(-1) : undefined
      return {
        data: page.map(presentPoolTenant),
        next_cursor: last ? toPublicId('ten', last.tenantId) : null,
      }
    },
  })
}
