import { ApiKeyCreated, CreateKeyRequest, KEYS_MAX } from '@lettergate/contracts/keys/keys'
import { createKey } from '@lettergate/core/keys'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { answer, problemAnswers } from '../../http/schemas.ts'
import { presentKey } from './present-key.ts'

/** Makes a key; it is answered here alone. */
export function addCreateKeyRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.post<{ Body: CreateKeyRequest }>('/v1/keys', {
    config: { scope: 'keys:write' },
    schema: {
      operationId: 'createKey',
      summary: 'Create a key',
      description: `The answer shows the key, once. A key cannot make one that may do more than itself: not in scopes, mode, networks, domains or time. A tenant has ${KEYS_MAX} keys at most.`,
      tags: ['Keys'],
      body: CreateKeyRequest,
      response: {
        201: answer('The new key.', ApiKeyCreated),
        ...problemAnswers(400, 401, 403, 409, 413, 415, 422, 503),
      },
    },
    handler: async (request, reply): Promise<ApiKeyCreated> => {
      const { info, key } = await createKey(deps, tenantOf(request), request.body)
      const shown = presentKey(info, deps.clock.now())
      reply.code(201).header('location', `/v1/keys/${shown.id}`).header('cache-control', 'no-store')
      return { ...shown, key }
    },
  })
}
