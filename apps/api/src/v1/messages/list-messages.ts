import { ListMessagesQuery } from '@lettergate/contracts/messages/requests'
import { MessageList } from '@lettergate/contracts/messages/responses'
import { listMessages } from '@lettergate/core/messages'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { answer, problemAnswers } from '../../http/schemas.ts'
import { presentMessage } from './present-message.ts'

/** Lists the tenant's messages, newest first. */
export function addListMessagesRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.get<{ Querystring: ListMessagesQuery }>('/v1/messages', {
    config: { scope: 'messages:read' },
    schema: {
      operationId: 'listMessages',
      summary: 'List messages',
      description:
        'Newest first. A message is listed if it passes all filters. A page may be shorter than `limit`, even empty, although ' +
        'more pages follow: read on until `next_cursor` is null.',
      tags: ['Messages'],
      querystring: ListMessagesQuery,
      response: {
        200: answer('A page of messages.', MessageList),
        ...problemAnswers(400, 401, 403, 422, 503),
      },
    },
    handler: async (request): Promise<MessageList> => {
      const { messages, nextCursor } = await listMessages(deps, tenantOf(request), request.query)
      return { data: messages.map(presentMessage), next_cursor: nextCursor }
    },
  })
}
