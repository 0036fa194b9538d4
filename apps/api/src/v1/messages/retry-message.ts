import { Message } from '@lettergate/contracts/messages/responses'
import { retryMessage } from '@lettergate/core/messages'
import { quotaExceeded } from '@lettergate/core/usage'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { pathId } from '../../http/path-id.ts'
import { addRateLimitFields } from '../../http/rate-limit-fields.ts'
import { answer, MessagePath, problemAnswers } from '../../http/schemas.ts'
import { presentMessage } from './present-message.ts'

/** Tries the recipients again that failed, are unknown or wait. */
export function addRetryMessageRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.post<{ Params: { id: string } }>('/v1/messages/:id/retry', {
    config: { scope: 'messages:write' },
    schema: {
      operationId: 'retryMessage',
      summary: 'Retry a message',
      description:
        'Queues all recipients that are `failed`, `unknown`, `deferred` or `held` again, to be sent now. A recipient that is ' +
        '`unknown` may get the message twice: if you know what became of it, use `POST /v1/messages/{id}/resolve` instead. A recipient that had failed counts on the quota again.',
      tags: ['Messages'],
      params: MessagePath,
      response: {
        200: answer('The message, queued again.', Message),
        ...problemAnswers(401, 403, 404, 409, 410, 429, 503),
      },
    },
    handler: async (request, reply): Promise<Message> => {
      const outcome = await retryMessage(deps, tenantOf(request), pathId('msg', request.params.id))
      if (outcome.kind === 'quota-exceeded') {
        addRateLimitFields(reply, outcome.quota)
        throw quotaExceeded(outcome.quota, outcome)
      }
      return presentMessage(outcome.message)
    },
  })
}
