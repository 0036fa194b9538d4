import { DefaultSecret } from '@lettergate/contracts/webhooks/responses'
import { readDefaultSecret } from '@lettergate/core/webhooks'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'

/** Shows the secret of calls to messages' own URLs. */
export const getDefaultSecretRoute = tenantRoute('GET', '/v1/endpoints/default-secret', {
  scope: 'endpoints:write',
  operationId: 'getDefaultSecret',
  summary: 'Read the default secret',
  description:
    'The secret that calls to the `callback_url` of messages are signed with. It is made at first use.',
  answers: { 200: answer('The secret.', DefaultSecret) },
  handler: async ({ deps, tenant }) => {
    const { secrets } = await readDefaultSecret(deps, tenant)
    return { secret: secrets[0]?.secret ?? '' }
  },
})
