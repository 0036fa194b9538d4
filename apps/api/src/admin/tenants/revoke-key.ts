import { revokeTenantKey } from '@lettergate/core/tenants'
import { asOperator } from '../../http/as-operator.ts'
import { pathId } from '../../http/path-id.ts'
import { operatorRoute } from '../../http/route.ts'
import { idParam, nothing } from '../../http/schemas.ts'

/** Revokes a key of a tenant. */
export const revokeTenantKeyRoute = operatorRoute('DELETE', '/v1/admin/tenants/:id/keys/:key', {
  operationId: 'adminRevokeTenantKey',
  summary: 'Revoke a key of a tenant',
  description: 'All processes refuse the key within five seconds. It stays in the list.',
  id: 'ten',
  params: { key: idParam('key') },
  answers: { 204: nothing('The key is revoked.') },
  handler: async ({ deps, id, params }) => {
    const key = pathId('key', params.key)
    await asOperator(deps, (db) => revokeTenantKey(db, id, key))
  },
})
