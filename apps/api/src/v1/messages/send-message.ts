import { MessageAccepted } from '@lettergate/contracts/messages/responses'
import { type NewMessage, parseSendRequest, SendRequest } from '@lettergate/contracts/messages/send-request'
import { Problem } from '@lettergate/contracts/problems/problems'
import { ReadMessages } from '../../http/json/read-large.ts'
import { tenantRoute } from '../../http/route.ts'
import { answer, IdempotencyHeader } from '../../http/schemas.ts'
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
export const sendMessageRoute = tenantRoute('POST', '/v1/send', {
  scope: 'messages:send',
  accepts: true,
  messages: 'send',
  operationId: 'sendMessage',
  summary: 'Send a message',
  description:
    'Stores a message and queues it. The answer comes after the message is committed and before it is sent.',
  headers: IdempotencyHeader,
  bodyInReference: SendRequest,
  answers: { 202: answer('Stored; it will be sent.', MessageAccepted) },
  problems: [409, 429],
  handler: async ({ deps, request, reply, tenant }) => {
    const { tenantId, mode, fromDomains } = tenant
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
    return presentAccepted(accepted, createdAt)
  },
})
