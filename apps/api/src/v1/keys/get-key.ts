import { ApiKey } from '@lettergate/contracts/keys/keys'
import { readKey } from '@lettergate/core/keys'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { pathId } from '../../http/path-id.ts'
import { answer, KeyPath, problemAnswers } from '../../http/schemas.ts'
import { presentKey } from './present-key.ts'

/** Reads one key. */
export function addGetKeyRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.get<{ Params: { id: string } }>('/v1/keys/:id', {
    config: { scope: 'keys:read' },
    schema: {
      operationId: 'getKey',
      summary: 'Read a key',
      description: 'Its rights and its last use.',
      tags: ['Keys'],
      params: KeyPath,
      response: { 200: answer('The key.', ApiKey), ...problemAnswers(401, 403, 404, 503) },
    },
    handler: async (request): Promise<ApiKey> =>
      presentKey(await readKey(deps, tenantOf(request), pathId('key', request.params.id)), deps.clock.now()),
  })
}
