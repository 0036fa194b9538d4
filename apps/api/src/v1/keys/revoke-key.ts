import { RevokeKeyQuery } from '@lettergate/contracts/keys/keys'
import { revokeOwnKey } from '@lettergate/core/keys'
import { tenantRoute } from '../../http/route.ts'
import { nothing } from '../../http/schemas.ts'

/** Revokes a key for good. */
export const revokeKeyRoute = tenantRoute('DELETE', '/v1/keys/:id', {
  scope: 'keys:write',
  operationId: 'revokeKey',
  summary: 'Revoke a key',
  description:
    'Every process refuses the key within five seconds, for good. The last key that may manage keys is revoked only with `force=true`.',
  id: 'key',
  query: RevokeKeyQuery,
  answers: { 204: nothing('The key is revoked.') },
  problems: [409],
  handler: async ({ deps, tenant, id, query }) => {
    const force = query.force === 'true'
    await revokeOwnKey(deps, tenant, id, { force })
  },
})
