import { ApiKeyList } from '@lettergate/contracts/keys/keys'
import { listKeys } from '@lettergate/core/keys'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { presentKey } from './present-key.ts'

/** Lists the keys of the tenant. */
export const listKeysRoute = tenantRoute('GET', '/v1/keys', {
  scope: 'keys:read',
  operationId: 'listKeys',
  summary: 'List keys',
  description: 'All keys, with their rights and their last use. The keys themselves are not stored.',
  answers: { 200: answer('The keys.', ApiKeyList) },
  handler: async ({ deps, tenant }) => {
    const keys = await listKeys(deps, tenant)
    return { data: keys.map((key) => presentKey(key, deps.clock.now())) }
  },
})
