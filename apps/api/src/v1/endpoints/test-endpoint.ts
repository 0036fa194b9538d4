import { EndpointTest } from '@lettergate/contracts/webhooks/responses'
import { testEndpoint } from '@lettergate/core/webhooks'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { pathId } from '../../http/path-id.ts'
import { answer, EndpointPath, problemAnswers } from '../../http/schemas.ts'

/** Calls an endpoint with a test event. */
export function addTestEndpointRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.post<{ Params: { id: string } }>('/v1/endpoints/:id/test', {
    config: { scope: 'endpoints:write', takesLong: true },
    schema: {
      operationId: 'testEndpoint',
      summary: 'Test an endpoint',
      description:
        'Sends one event to the URL now and answers its answer. The event has the tag `lettergate-test` and is about no message. It is not listed among the deliveries.',
      tags: ['Endpoints'],
      params: EndpointPath,
      response: {
        200: answer('The answer of the URL.', EndpointTest),
        ...problemAnswers(401, 403, 404, 503),
      },
    },
    handler: async (request): Promise<EndpointTest> => {
      const {
        status,
        ms,
        error,
        answer: text,
      } = await testEndpoint(deps, tenantOf(request), pathId('end', request.params.id))
      return { ok: status !== null && status >= 200 && status < 300, status, ms, error, answer: text }
    },
  })
}
