import { deleteInboundRoute } from '@lettergate/core/inbound'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { pathId } from '../../http/path-id.ts'
import { problemAnswers } from '../../http/schemas.ts'
import { InboundRoutePath } from './paths.ts'

/** Removes an inbound route. */
export function addDeleteInboundRouteRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.delete<{ Params: { id: string } }>('/v1/inbound/routes/:id', {
    config: { scope: 'inbound:write' },
    schema: {
      operationId: 'deleteInboundRoute',
      summary: 'Delete an inbound route',
      description:
        'Mail to its addresses is refused, if no other route matches. Mail that was received stays.',
      tags: ['Inbound'],
      params: InboundRoutePath,
      response: {
        204: z.null().describe('The route is deleted.'),
        ...problemAnswers(401, 403, 404, 503),
      },
    },
    handler: async (request, reply) => {
      await deleteInboundRoute(deps, tenantOf(request), pathId('inr', request.params.id))
      return reply.code(204).send()
    },
  })
}
