import { InboundList, ListInboundQuery } from '@lettergate/contracts/inbound/messages'
import { listInbound } from '@lettergate/core/inbound'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { answer, problemAnswers } from '../../http/schemas.ts'
import { presentListed } from './present-inbound.ts'

/** Lists all received mail. */
export function addListInboundRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.get<{ Querystring: ListInboundQuery }>('/v1/inbound/messages', {
    config: { scope: 'inbound:read' },
    schema: {
      operationId: 'listInboundMessages',
      summary: 'List received mail',
      description: 'All mail that was received for you, newest first, a page at a time: the log.',
      tags: ['Inbound'],
      querystring: ListInboundQuery,
      response: {
        200: answer('A page of mails.', InboundList),
        ...problemAnswers(400, 401, 403, 422, 503),
      },
    },
    handler: async (request): Promise<InboundList> => {
      const { mails, nextCursor } = await listInbound(deps, tenantOf(request), {
        mailboxId: null,
        ...request.query,
      })
      return { data: mails.map(presentListed), next_cursor: nextCursor }
    },
  })
}
