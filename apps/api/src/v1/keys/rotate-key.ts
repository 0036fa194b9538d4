import { ApiKeyCreated, RotateKeyRequest } from '@lettergate/contracts/keys/keys'
import { rotateKey } from '@lettergate/core/keys'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { pathId } from '../../http/path-id.ts'
import { answer, KeyPath, problemAnswers } from '../../http/schemas.ts'
import { presentKey } from './present-key.ts'

/** Makes a key in the place of another. */
export function addRotateKeyRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.post<{ Params: { id: string }; Body: RotateKeyRequest }>('/v1/keys/:id/rotate', {
    config: { scope: 'keys:write' },
    schema: {
      operationId: 'rotateKey',
      summary: 'Rotate a key',
      description:
        'Answers a new key with the same rights, once. The old one is good for `overlap_seconds` more, and is refused everywhere five seconds after that. If the answer is lost, rotate the key that `replaced_by` of the old one names.',
      tags: ['Keys'],
      params: KeyPath,
      body: RotateKeyRequest,
      response: {
        201: answer('The new key.', ApiKeyCreated),
        ...problemAnswers(400, 401, 403, 404, 409, 413, 415, 422, 503),
      },
    },
    handler: async (request, reply): Promise<ApiKeyCreated> => {
      const id = pathId('key', request.params.id)
      const { info, key } = await rotateKey(deps, tenantOf(request), id, request.body.overlap_seconds)
      const shown = presentKey(info, deps.clock.now())
      reply.code(201).header('location', `/v1/keys/${shown.id}`).header('cache-control', 'no-store')
      return { ...shown, key }
    },
  })
}
