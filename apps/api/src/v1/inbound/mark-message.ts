import { InboundMessage, MarkInboundRequest } from '@lettergate/contracts/inbound/messages'
import { markInboundRead, readInbound } from '@lettergate/core/inbound'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { pathId } from '../../http/path-id.ts'
import { answer, problemAnswers } from '../../http/schemas.ts'
import { InboundPath } from './paths.ts'
import { presentInbound } from './present-inbound.ts'

/** Marks a received mail as read or unread. */
export function addMarkInboundRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.patch<{ Params: { id: string }; Body: MarkInboundRequest }>('/v1/inbound/messages/:id', {
    config: { scope: 'inbound:write' },
    schema: {
      operationId: 'markInboundMessage',
      summary: 'Mark a received mail',
      description: 'Marks it as read or unread.',
      tags: ['Inbound'],
      params: InboundPath,
      body: MarkInboundRequest,
      response: {
        200: answer('The mail.', InboundMessage),
        ...problemAnswers(400, 401, 403, 404, 413, 415, 422, 503),
      },
    },
    handler: async (request): Promise<InboundMessage> => {
      const id = pathId('inb', request.params.id)
      await markInboundRead(deps, tenantOf(request), id, request.body.read)
      return presentInbound(await readInbound(deps, tenantOf(request), id))
    },
  })
}
