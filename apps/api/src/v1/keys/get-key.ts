import { ApiKey } from '@lettergate/contracts/keys/keys'
import { readKey } from '@lettergate/core/keys'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { presentKey } from './present-key.ts'

/** Reads one key. */
export const getKeyRoute = tenantRoute('GET', '/v1/keys/:id', {
  scope: 'keys:read',
  operationId: 'getKey',
  summary: 'Read a key',
  description: 'Its rights and its last use.',
  id: 'key',
  answers: { 200: answer('The key.', ApiKey) },
  handler: async ({ deps, tenant, id }) => presentKey(await readKey(deps, tenant, id), deps.clock.now()),
})
