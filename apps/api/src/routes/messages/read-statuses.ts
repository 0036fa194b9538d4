import { fromPublicId } from '@lettergate/contracts/ids'
import { Problem } from '@lettergate/contracts/problems'
import { MessageStatusRequest } from '@lettergate/contracts/requests'
import { MessageStatusAnswer, type MessageStatusResult } from '@lettergate/contracts/responses'
import type { StoredMessage } from '@lettergate/core/read-messages'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../plugins/authenticate.ts'
import { problemDetails } from '../../plugins/problem-details.ts'
import { answer, problemAnswers } from '../schemas.ts'
import { presentMessage } from './present-message.ts'

function presentStatus(id: string, message: StoredMessage | null): MessageStatusResult {
  if (!message) return { id, problem: problemDetails(new Problem('not-found')) }
  const { status, recipients } = presentMessage(message)
  return { id, status, recipients: recipients.map(({ name: _name, ...recipient }) => recipient) }
}

/** Tells the statuses of many messages in one answer. */
export function addReadStatusesRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.post<{ Body: MessageStatusRequest }>('/v1/messages/status', {
    config: { scope: 'messages:read' },
    schema: {
      operationId: 'readMessageStatuses',
      summary: 'Read many statuses',
      description: 'One result for each id, in order. An id that is not yours is a problem in its place.',
      tags: ['Messages'],
      body: MessageStatusRequest,
      response: {
        200: answer('The statuses, in the order of the ids.', MessageStatusAnswer),
        ...problemAnswers(400, 401, 403, 413, 415, 422, 503),
      },
    },
    handler: async (request): Promise<MessageStatusAnswer> => {
      const reader = tenantOf(request)
      const results = request.body.ids.map(async (text) => {
        const id = fromPublicId('msg', text)
        return presentStatus(text, id === null ? null : await deps.messages.read(reader, id))
      })
      return { results: await Promise.all(results) }
    },
  })
}
