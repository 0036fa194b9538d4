import { Problem } from '@lettergate/contracts/problems/problems'
import { answeredBy } from '@lettergate/core/lib'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

/** From arrival to answer, without the time in which the client sends its body; a little less than is promised. */
const ANSWER_MS = { accept: 2_700, other: 4_500 }

function late(): Problem {
  return new Problem('storage-unavailable', {
    detail:
      'The database did not answer in time, so the request may have been carried out. Repeat it with the same Idempotency-Key: nothing is sent twice.',
    headers: { 'retry-after': '2' },
  })
}

/**
 * Answers every request in time, also when the database does not answer: a send within three seconds, anything else within five. A route that
 * waits for something else by its nature says `takesLong`, and has its own limit.
 */
export function addAnswerInTime(app: FastifyInstance): void {
  app.decorateRequest('keyCheckMs', 0)
  app.decorateRequest('answerBy', 0)

  app.addHook('onRoute', (route) => {
    const { config, handler } = route
    if (config?.public || config?.takesLong) return
    const budgetMs = config?.accepts ? ANSWER_MS.accept : ANSWER_MS.other
    route.handler = function answerInTime(
      this: FastifyInstance,
      request: FastifyRequest,
      reply: FastifyReply,
    ): unknown {
      request.answerBy = performance.now() + budgetMs - request.keyCheckMs
      const answer: unknown = handler.call(this, request, reply)
      if (!(answer instanceof Promise)) return answer
      // An answer that a slow client has not read whole is an answer.
      return answeredBy(request.answerBy, answer, late).catch((error: unknown) => {
        if (reply.sent) return reply
        throw error
      })
    }
  })
}
