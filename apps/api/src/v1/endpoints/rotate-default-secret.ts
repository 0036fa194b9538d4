import { SecretRotated } from '@lettergate/contracts/webhooks/responses'
import { rotateDefaultSecret } from '@lettergate/core/webhooks'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { answer, problemAnswers } from '../../http/schemas.ts'

/** Replaces the secret of calls to messages' own URLs. */
export function addRotateDefaultSecretRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.post('/v1/endpoints/default-secret/rotate', {
    config: { scope: 'endpoints:write' },
    schema: {
      operationId: 'rotateDefaultSecret',
      summary: 'Rotate the default secret',
      description:
        'Answers a new secret. For 24 hours calls carry two signatures, so that the receivers can be changed meanwhile.',
      tags: ['Endpoints'],
      response: {
        200: answer('The new secret.', SecretRotated),
        ...problemAnswers(401, 403, 409, 503),
      },
    },
    handler: async (request): Promise<SecretRotated> => {
      const { secret, previousUntil } = await rotateDefaultSecret(deps, tenantOf(request))
      return { secret, previous_valid_until: previousUntil.toISOString() }
    },
  })
}
