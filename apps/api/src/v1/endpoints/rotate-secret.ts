import { SecretRotated } from '@lettergate/contracts/webhooks/responses'
import { rotateEndpointSecret } from '@lettergate/core/webhooks'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'

/** Replaces the secret of an endpoint. */
export const rotateSecretRoute = tenantRoute('POST', '/v1/endpoints/:id/rotate-secret', {
  scope: 'endpoints:write',
  operationId: 'rotateEndpointSecret',
  summary: 'Rotate a secret',
  description:
    'Answers a new secret, once. For 24 hours calls carry two signatures, so that the receiver can be changed meanwhile.',
  id: 'end',
  answers: { 200: answer('The new secret.', SecretRotated) },
  problems: [409],
  handler: async ({ deps, tenant, id }) => {
    const { secret, previousUntil } = await rotateEndpointSecret(deps, tenant, id)
    return { secret, previous_valid_until: previousUntil.toISOString() }
  },
})
