import { DefaultSecret } from '@lettergate/contracts/webhooks/responses'
import { readDefaultSecret } from '@lettergate/core/webhooks'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { answer, problemAnswers } from '../../http/schemas.ts'

/** Shows the secret of calls to messages' own URLs. */
export function addGetDefaultSecretRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.get('/v1/endpoints/default-secret', {
    config: { scope: 'endpoints:write' },
    schema: {
      operationId: 'getDefaultSecret',
      summary: 'Read the default secret',
      description:
        'The secret that calls to the `callback_url` of messages are signed with. It is made at first use.',
      tags: ['Endpoints'],
      response: {
        200: answer('The secret.', DefaultSecret),
        ...problemAnswers(401, 403, 503),
      },
    },
    handler: async (request): Promise<DefaultSecret> => {
      const { secrets } = await readDefaultSecret(deps, tenantOf(request))
      return { secret: secrets[0]?.secret ?? '' }
    },
  })
}
