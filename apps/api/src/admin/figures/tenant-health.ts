import { TenantHealth } from '@lettergate/contracts/admin/figures'
import { toPublicId } from '@lettergate/contracts/lib/ids'
import { fromStorage } from '@lettergate/core/lib'
import { readTenant, readTenantHealth } from '@lettergate/core/tenants'
import { asOperator } from '../../http/as-operator.ts'
import { operatorRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { readStanding } from '../pool/present-pool-tenant.ts'

/** Says how the mail of a tenant is doing. */
export const tenantHealthRoute = operatorRoute('GET', '/v1/admin/tenants/:id/health', {
  operationId: 'adminGetTenantHealth',
  summary: 'Read the health of a tenant',
  description:
    'Its connections, what its messages wait for, how many addresses bounced or complained, and how the shared pool judges it.',
  id: 'ten',
  answers: { 200: answer('The health.', TenantHealth) },
  handler: async ({ deps, id }) => {
    await asOperator(deps, (db) => readTenant(db, id))
    const health = await fromStorage(readTenantHealth(deps.figures, id))
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
    const pool = await readStanding(deps.db, id)
    return { connections, ready, sending, waiting, last_day, pool }
  },
})
