import { MessageAccepted } from '@lettergate/contracts/messages/responses'
import { type NewMessage, parseSendRequest, SendRequest } from '@lettergate/contracts/messages/send-request'
import { Problem } from '@lettergate/contracts/problems/problems'
import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { passingCompiler } from '../../http/compilers.ts'
import { ReadMessages } from '../../http/json/read-large.ts'
import { answer, IdempotencyHeader, problemAnswers } from '../../http/schemas.ts'
import { idempotencyOf, resultsOf } from '../../http/submission.ts'
import { presentAccepted } from './present-message.ts'

/** The message of the body, which is read already when it is large, or what is wrong with it. */
function readMessage(body: unknown, now: number): NewMessage | Problem {
  if (body instanceof ReadMessages) {
    const [entry] = body.entries
    if (!entry) throw new Error('a large body had no message')
    return entry
  }
  try {
    return parseSendRequest(body, { now: new Date(now) })
  } catch (error) {
    if (error instanceof Problem) return error
    throw error
  }
}

/** Accepts a message for delivery; the answer means "stored", not "sent". */
export function addSendMessageRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.post('/v1/send', {
    config: { scope: 'messages:send', accepts: true, messages: 'send' },
    schema: {
      operationId: 'sendMessage',
      summary: 'Send a message',
      description:
        'Stores a message and queues it. The answer comes after the message is committed and before it is sent.',
      tags: ['Messages'],
      headers: IdempotencyHeader,
      body: SendRequest,
      response: {
        202: answer('Stored; it will be sent.', MessageAccepted),
        ...problemAnswers(400, 401, 403, 409, 413, 415, 422, 429, 503),
      },
    },
    validatorCompiler: passingCompiler,
    handler: async (request, reply) => {
      const { tenantId, mode, fromDomains } = tenantOf(request)
      const outcome = await deps.submit({
        tenant: { id: tenantId, mode },
        fromDomains,
        messages: [readMessage(request.body, deps.clock.now())],
        atomic: true,
        idempotency: idempotencyOf(request, 'send'),
        until: request.answerBy,
      })
      const { results, createdAt } = resultsOf(outcome, reply)
      const [accepted] = results
      if (!accepted || accepted instanceof Problem) throw new Error('accepted nothing')
      return reply.code(202).send(presentAccepted(accepted, createdAt))
    },
  })
}
