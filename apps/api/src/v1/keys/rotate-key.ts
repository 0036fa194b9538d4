import { ApiKeyCreated, RotateKeyRequest } from '@lettergate/contracts/keys/keys'
import { rotateKey } from '@lettergate/core/keys'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'
import { presentKey } from './present-key.ts'

/** Makes a key in the place of another. */
export const rotateKeyRoute = tenantRoute('POST', '/v1/keys/:id/rotate', {
  scope: 'keys:write',
  operationId: 'rotateKey',
  summary: 'Rotate a key',
  description:
    'Answers a new key with the same rights, once. The old one is good for `overlap_seconds` more, and is refused everywhere five seconds after that. If the answer is lost, rotate the key that `replaced_by` of the old one names.',
  id: 'key',
  body: RotateKeyRequest,
  answers: { 201: answer('The new key.', ApiKeyCreated) },
  problems: [409],
  handler: async ({ deps, reply, tenant, id, body }) => {
    const { info, key } = await rotateKey(deps, tenant, id, body.overlap_seconds)
    const shown = presentKey(info, deps.clock.now())
    reply.header('location', `/v1/keys/${shown.id}`).header('cache-control', 'no-store')
    return { ...shown, key }
  },
})
