import { RevokeKeyQuery } from '@lettergate/contracts/keys/keys'
import { revokeOwnKey } from '@lettergate/core/keys'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { pathId } from '../../http/path-id.ts'
import { KeyPath, problemAnswers } from '../../http/schemas.ts'

/** Revokes a key for good. */
export function addRevokeKeyRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.delete<{ Params: { id: string }; Querystring: z.output<typeof RevokeKeyQuery> }>('/v1/keys/:id', {
    config: { scope: 'keys:write' },
    schema: {
      operationId: 'revokeKey',
      summary: 'Revoke a key',
      description:
        'Every process refuses the key within five seconds, for good. The last key that may manage keys is revoked only with `force=true`.',
      tags: ['Keys'],
      params: KeyPath,
      querystring: RevokeKeyQuery,
      response: {
        204: z.null().describe('The key is revoked.'),
        ...problemAnswers(401, 403, 404, 409, 422, 503),
      },
    },
    handler: async (request, reply) => {
      const force = request.query.force === 'true'
      await revokeOwnKey(deps, tenantOf(request), pathId('key', request.params.id), { force })
      return reply.code(204).send()
    },
  })
}
