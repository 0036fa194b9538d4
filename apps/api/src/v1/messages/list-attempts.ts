import { AttemptList } from '@lettergate/contracts/messages/responses'
import { listAttempts } from '@lettergate/core/messages'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { pathId } from '../../http/path-id.ts'
import { answer, MessagePath, problemAnswers } from '../../http/schemas.ts'
import { presentAttempt } from './present-attempt.ts'

/** Tells each try at a provider, with what the provider answered. */
export function addListAttemptsRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.get<{ Params: { id: string } }>('/v1/messages/:id/attempts', {
    config: { scope: 'messages:read' },
    schema: {
      operationId: 'listMessageAttempts',
      summary: 'List the attempts of a message',
      description: 'Each attempt to send the message, with the answer of the provider.',
      tags: ['Messages'],
      params: MessagePath,
      response: { 200: answer('The attempts so far.', AttemptList), ...problemAnswers(401, 403, 404, 503) },
    },
    handler: async (request): Promise<AttemptList> => {
      const attempts = await listAttempts(deps, tenantOf(request), pathId('msg', request.params.id))
      return { data: attempts.map(presentAttempt) }
    },
  })
}
