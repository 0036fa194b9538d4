import { deleteEndpoint } from '@lettergate/core/webhooks'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { pathId } from '../../http/path-id.ts'
import { EndpointPath, problemAnswers } from '../../http/schemas.ts'

/** Removes an endpoint with all that waits for it. */
export function addDeleteEndpointRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.delete<{ Params: { id: string } }>('/v1/endpoints/:id', {
    config: { scope: 'endpoints:write' },
    schema: {
      operationId: 'deleteEndpoint',
      summary: 'Delete an endpoint',
      description: 'No call is made any more, also none that waits for its next attempt.',
      tags: ['Endpoints'],
      params: EndpointPath,
      response: {
        204: z.null().describe('The endpoint is deleted.'),
        ...problemAnswers(401, 403, 404, 503),
      },
    },
    handler: async (request, reply) => {
      await deleteEndpoint(deps, tenantOf(request), pathId('end', request.params.id))
      return reply.code(204).send()
    },
  })
}
