import { SecretRotated } from '@lettergate/contracts/webhooks/responses'
import { rotateEndpointSecret } from '@lettergate/core/webhooks'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { pathId } from '../../http/path-id.ts'
import { answer, EndpointPath, problemAnswers } from '../../http/schemas.ts'

/** Replaces the secret of an endpoint. */
export function addRotateSecretRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.post<{ Params: { id: string } }>('/v1/endpoints/:id/rotate-secret', {
    config: { scope: 'endpoints:write' },
    schema: {
      operationId: 'rotateEndpointSecret',
      summary: 'Rotate a secret',
      description:
        'Answers a new secret, once. For 24 hours calls carry two signatures, so that the receiver can be changed meanwhile.',
      tags: ['Endpoints'],
      params: EndpointPath,
      response: {
        200: answer('The new secret.', SecretRotated),
        ...problemAnswers(401, 403, 404, 409, 503),
      },
    },
    handler: async (request): Promise<SecretRotated> => {
      const id = pathId('end', request.params.id)
      const { secret, previousUntil } = await rotateEndpointSecret(deps, tenantOf(request), id)
      return { secret, previous_valid_until: previousUntil.toISOString() }
    },
  })
}
