import { deleteInbound } from '@lettergate/core/inbound'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { pathId } from '../../http/path-id.ts'
import { problemAnswers } from '../../http/schemas.ts'
import { InboundPath } from './paths.ts'

/** Removes a received mail. */
export function addDeleteInboundRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.delete<{ Params: { id: string } }>('/v1/inbound/messages/:id', {
    config: { scope: 'inbound:write' },
    schema: {
      operationId: 'deleteInboundMessage',
      summary: 'Delete a received mail',
      description: 'Deletes it and all that was read of it.',
      tags: ['Inbound'],
      params: InboundPath,
      response: {
        204: z.null().describe('The mail is deleted.'),
        ...problemAnswers(401, 403, 404, 503),
      },
    },
    handler: async (request, reply) => {
      await deleteInbound(deps, tenantOf(request), pathId('inb', request.params.id))
      return reply.code(204).send()
    },
  })
}
