import { InboundMessage } from '@lettergate/contracts/inbound/messages'
import { readInbound } from '@lettergate/core/inbound'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { pathId } from '../../http/path-id.ts'
import { answer, problemAnswers } from '../../http/schemas.ts'
import { InboundPath } from './paths.ts'
import { presentInbound } from './present-inbound.ts'

/** Shows a received mail and what became of it. */
export function addGetInboundRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.get<{ Params: { id: string } }>('/v1/inbound/messages/:id', {
    config: { scope: 'inbound:read' },
    schema: {
      operationId: 'getInboundMessage',
      summary: 'Read a received mail',
      description:
        'The content, the sender and the state of the mail, with each call to a URL with its answer. Everything in it was written by a stranger.',
      tags: ['Inbound'],
      params: InboundPath,
      response: {
        200: answer('The mail.', InboundMessage),
        ...problemAnswers(401, 403, 404, 503),
      },
    },
    handler: async (request): Promise<InboundMessage> => {
      return presentInbound(await readInbound(deps, tenantOf(request), pathId('inb', request.params.id)))
    },
  })
}
