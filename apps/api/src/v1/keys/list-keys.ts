import { ApiKeyList } from '@lettergate/contracts/keys/keys'
import { listKeys } from '@lettergate/core/keys'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { answer, problemAnswers } from '../../http/schemas.ts'
import { presentKey } from './present-key.ts'

/** Lists the keys of the tenant. */
export function addListKeysRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.get('/v1/keys', {
    config: { scope: 'keys:read' },
    schema: {
      operationId: 'listKeys',
      summary: 'List keys',
      description: 'All keys, with their rights and their last use. The keys themselves are not stored.',
      tags: ['Keys'],
      response: { 200: answer('The keys.', ApiKeyList), ...problemAnswers(401, 403, 503) },
    },
    handler: async (request): Promise<ApiKeyList> => {
      const keys = await listKeys(deps, tenantOf(request))
      return { data: keys.map((key) => presentKey(key, deps.clock.now())) }
    },
  })
}
