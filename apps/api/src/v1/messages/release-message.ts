import { Message } from '@lettergate/contracts/messages/responses'
import { releaseMessage } from '@lettergate/core/messages'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { pathId } from '../../http/path-id.ts'
import { answer, MessagePath, problemAnswers } from '../../http/schemas.ts'
import { presentMessage } from './present-message.ts'

/** Releases a message. */
export function addReleaseMessageRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.post<{ Params: { id: string } }>('/v1/messages/:id/release', {
    config: { scope: 'messages:write' },
    schema: {
      operationId: 'releaseMessage',
      summary: 'Release a message',
      description: 'Lets a message go on that you hold: now, or at its `send_at` if that is still to come.',
      tags: ['Messages'],
      params: MessagePath,
      response: {
        200: answer('The message, released.', Message),
        ...problemAnswers(401, 403, 404, 409, 503),
      },
    },
    handler: async (request): Promise<Message> =>
      presentMessage(await releaseMessage(deps, tenantOf(request), pathId('msg', request.params.id))),
  })
}
