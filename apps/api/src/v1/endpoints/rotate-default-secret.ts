import { SecretRotated } from '@lettergate/contracts/webhooks/responses'
import { rotateDefaultSecret } from '@lettergate/core/webhooks'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'

/** Replaces the secret of calls to messages' own URLs. */
export const rotateDefaultSecretRoute = tenantRoute('POST', '/v1/endpoints/default-secret/rotate', {
  scope: 'endpoints:write',
  operationId: 'rotateDefaultSecret',
  summary: 'Rotate the default secret',
  description:
    'Answers a new secret. For 24 hours calls carry two signatures, so that the receivers can be changed meanwhile.',
  answers: { 200: answer('The new secret.', SecretRotated) },
  problems: [409],
  handler: async ({ deps, tenant }) => {
    const { secret, previousUntil } = await rotateDefaultSecret(deps, tenant)
    return { secret, previous_valid_until: previousUntil.toISOString() }
  },
})
