import { Message } from '@lettergate/contracts/messages/responses'
import { cancelMessage } from '@lettergate/core/messages'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { pathId } from '../../http/path-id.ts'
import { answer, MessagePath, problemAnswers } from '../../http/schemas.ts'
import { presentMessage } from './present-message.ts'

/** Cancels a message that was not sent yet. */
export function addCancelMessageRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.post<{ Params: { id: string } }>('/v1/messages/:id/cancel', {
    config: { scope: 'messages:write' },
    schema: {
      operationId: 'cancelMessage',
      summary: 'Cancel a message',
      description:
        'Stops a message that was not sent yet. Its recipients no longer count on your quota. A recipient that an earlier attempt may have reached becomes `unknown` and still counts.',
      tags: ['Messages'],
      params: MessagePath,
      response: {
        200: answer('The message, cancelled.', Message),
        ...problemAnswers(401, 403, 404, 409, 503),
      },
    },
    handler: async (request): Promise<Message> => {
      return presentMessage(await cancelMessage(deps, tenantOf(request), pathId('msg', request.params.id)))
    },
  })
}
