import { TenantHealth } from '@lettergate/contracts/admin/figures'
import { toPublicId } from '@lettergate/contracts/lib/ids'
import { Problem } from '@lettergate/contracts/problems/problems'
import { FIRST_TENANT } from '@lettergate/core/dispatch'
import { fromStorage } from '@lettergate/core/lib'
import { readTenant, readTenantHealth } from '@lettergate/core/tenants'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { asOperator } from '../../http/as-operator.ts'
import { pathId } from '../../http/path-id.ts'
import { answer, problemAnswers, TenantPath } from '../../http/schemas.ts'
import { presentPoolTenant, readPoolTenants } from '../pool/present-pool-tenant.ts'

/** Says how the mail of a tenant is doing. */
export function addTenantHealthRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.get<{ Params: { id: string } }>('/v1/admin/tenants/:id/health', {
    config: { scope: 'admin' },
    schema: {
      operationId: 'adminGetTenantHealth',
      summary: 'Read the health of a tenant',
      description:
        'Its connections, what its messages wait for, how many addresses bounced or complained, and how the shared pool judges it.',
      tags: ['Operator'],
      params: TenantPath,
      response: { 200: answer('The health.', TenantHealth), ...problemAnswers(401, 403, 404, 503) },
    },
    handler: async (request): Promise<TenantHealth> => {
      const tenantId = pathId('ten', request.params.id)
      await asOperator(deps, (db) => readTenant(db, tenantId))
      const health = await fromStorage(readTenantHealth(deps.figures, tenantId))
      const { ready, sending, waiting, suppressed } = health
      const connections = health.connections.map(({ id, state, paused_until: paused, ...connection }) => ({
        ...connection,
        id: toPublicId('con', id),
        circuit: state,
        paused_until: paused === null ? null : new Date(paused).toISOString(),
      }))
      const of = (reason: string) => suppressed[reason] ?? 0
      const last_day = {
        hard_bounce: of('hard_bounce'),
        complaint: of('complaint'),
        unsubscribe: of('unsubscribe'),
      }
      const page = { tenantId, after: FIRST_TENANT, limit: 1 }
      const [pool] = (await readPoolTenants(deps.db, page)).map(presentPoolTenant)
      if (!pool) throw new Problem('not-found')
      return { connections, ready, sending, waiting, last_day, pool }
    },
  })
}
