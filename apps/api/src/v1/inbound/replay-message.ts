import { InboundMessage } from '@lettergate/contracts/inbound/messages'
import { readInbound, replayInbound } from '@lettergate/core/inbound'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { pathId } from '../../http/path-id.ts'
import { answer, problemAnswers } from '../../http/schemas.ts'
import { InboundPath } from './paths.ts'
import { presentInbound } from './present-inbound.ts'

/** Has a received mail acted on again. */
export function addReplayInboundRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.post<{ Params: { id: string } }>('/v1/inbound/messages/:id/replay', {
    config: { scope: 'inbound:write' },
    schema: {
      operationId: 'replayInboundMessage',
      summary: 'Act on a received mail again',
      description:
        'The mail is read again, and its route, as it is now, decides what becomes of it. 409 while it waits.',
      tags: ['Inbound'],
      params: InboundPath,
      response: {
        202: answer('The mail, which waits again.', InboundMessage),
        ...problemAnswers(401, 403, 404, 409, 503),
      },
    },
    handler: async (request, reply): Promise<InboundMessage> => {
      const id = pathId('inb', request.params.id)
      await replayInbound(deps, tenantOf(request), id)
      reply.code(202)
      return presentInbound(await readInbound(deps, tenantOf(request), id))
    },
  })
}
