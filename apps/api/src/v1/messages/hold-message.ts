import { Message } from '@lettergate/contracts/messages/responses'
import { holdMessage } from '@lettergate/core/messages'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { pathId } from '../../http/path-id.ts'
import { answer, MessagePath, problemAnswers } from '../../http/schemas.ts'
import { presentMessage } from './present-message.ts'

/** Holds a message. */
export function addHoldMessageRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.post<{ Params: { id: string } }>('/v1/messages/:id/hold', {
    config: { scope: 'messages:write' },
    schema: {
      operationId: 'holdMessage',
      summary: 'Hold a message',
      description:
        'Keeps a message that was not sent until you release, retry or cancel it. Its recipients become `held` and stay counted on your quota. The time for which it is held does not count towards the retry limit.',
      tags: ['Messages'],
      params: MessagePath,
      response: { 200: answer('The message, held.', Message), ...problemAnswers(401, 403, 404, 409, 503) },
    },
    handler: async (request): Promise<Message> =>
      presentMessage(await holdMessage(deps, tenantOf(request), pathId('msg', request.params.id))),
  })
}
