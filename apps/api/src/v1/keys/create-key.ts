import { ApiKeyCreated, CreateKeyRequest, KEYS_MAX } from '@lettergate/contracts/keys/keys'
import { createKey } from '@lettergate/core/keys'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { presentKey } from './present-key.ts'

/** Makes a key; it is answered here alone. */
export const createKeyRoute = tenantRoute('POST', '/v1/keys', {
  scope: 'keys:write',
  operationId: 'createKey',
  summary: 'Create a key',
  description: `The answer shows the key, once. A key cannot make one that may do more than itself: not in scopes, mode, networks, domains or time. A tenant has ${KEYS_MAX} keys at most.`,
  body: CreateKeyRequest,
  answers: { 201: answer('The new key.', ApiKeyCreated) },
  problems: [409],
  handler: async ({ deps, reply, tenant, body }) => {
    const { info, key } = await createKey(deps, tenant, body)
    const shown = presentKey(info, deps.clock.now())
    reply.header('location', `/v1/keys/${shown.id}`).header('cache-control', 'no-store')
    return { ...shown, key }
  },
})
