import { EndpointTest } from '@lettergate/contracts/webhooks/responses'
import { testEndpoint } from '@lettergate/core/webhooks'
import { tenantRoute } from '../../http/route.ts'
import { answer } from '../../http/schemas.ts'

/** Calls an endpoint with a test event. */
export const testEndpointRoute = tenantRoute('POST', '/v1/endpoints/:id/test', {
  scope: 'endpoints:write',
  takesLong: true,
  operationId: 'testEndpoint',
  summary: 'Test an endpoint',
  description:
    'Sends one event to the URL now and answers its answer. The event has the tag `lettergate-test` and is about no message. It is not listed among the deliveries.',
  id: 'end',
  answers: { 200: answer('The answer of the URL.', EndpointTest) },
  handler: async ({ deps, tenant, id }) => {
    const { status, ms, error, answer: text } = await testEndpoint(deps, tenant, id)
    return { ok: status !== null && status >= 200 && status < 300, status, ms, error, answer: text }
  },
})
