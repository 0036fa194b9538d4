import { MessageAccepted } from '@lettergate/contracts/messages/responses'
import { type NewMessage, parseSendRequest, SendRequest } from '@lettergate/contracts/messages/send-request'
import { Problem } from '@lettergate/contracts/problems/problems'
import type { AcceptOutcome, AcceptRequest } from '@lettergate/core/accept'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { passingCompiler } from '../../http/compilers.ts'
import { idempotencyKey } from '../../http/idempotency-key.ts'
import { ReadMessages } from '../../http/json/read-large.ts'
import { addRateLimitFields, quotaExceeded } from '../../http/rate-limit-fields.ts'
import { answer, IdempotencyHeader, problemAnswers } from '../../http/schemas.ts'
import { presentAccepted } from './present-message.ts'

/** The request's claim on its Idempotency-Key, for the accept transaction. */
export function idempotencyOf(request: FastifyRequest, route: string): AcceptRequest['idempotency'] {
  const key = idempotencyKey(request)
  if (key === null || request.bodyHash === null) return undefined
  const { ofValue, ofBytes } = request.bodyHash
  return { key, route, bodyHash: ofValue, bytesHash: ofBytes }
}

/** Answers the accepted messages and sets the quota fields; throws the problem if nothing was accepted. */
export function acceptedOf(
  outcome: AcceptOutcome,
  reply: FastifyReply,
): Extract<AcceptOutcome, { kind: 'accepted' }> {
  switch (outcome.kind) {
    case 'accepted':
      if (outcome.quota) addRateLimitFields(reply, outcome.quota)
      if (outcome.replayed) reply.header('idempotency-replayed', 'true')
      return outcome
    case 'quota-exceeded':
      throw quotaExceeded(outcome.quota, outcome.requested)
    case 'key-reused':
      throw new Problem('idempotency-key-reused')
    case 'key-in-progress':
      throw new Problem('idempotency-key-in-progress', { headers: { 'retry-after': '1' } })
  }
}

/** The message of the body, which is checked already when it is large. */
function messageOf(body: unknown, now: number): NewMessage {
  if (!(body instanceof ReadMessages)) return parseSendRequest(body, { now: new Date(now) })
  const [entry] = body.entries
  if (!entry) throw new Error('a large body had no message')
  if (entry instanceof Problem) throw entry
  return entry
}

/**
 * Accepts a message that passes every check. One that fails is refused, unless the very same request was accepted before: a repeat
 * of it must get that answer, though its `send_at` may have passed or its connection be gone by now.
 */
async function acceptOne(
  deps: ApiDeps,
  tenant: { id: string; mode: 'live' | 'test' },
  body: unknown,
  idempotency: AcceptRequest['idempotency'],
  until: number,
): Promise<AcceptOutcome> {
  try {
    const message = messageOf(body, deps.clock.now())
    const fault = await deps.connectionsCheck.findFault(tenant.id, message)
    if (fault) throw fault
    return await deps.acceptor.accept(tenant, {
      messages: [message],
      until,
      ...(idempotency && { idempotency }),
    })
  } catch (error) {
    const before =
      error instanceof Problem && error.status === 422 && idempotency
        ? await deps.acceptor.replay(tenant, idempotency)
        : null
    if (!before) throw error
    return before
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
        'Stores a message and queues it. The answer comes after it is safely stored, before it is sent.',
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
      const { tenantId, mode } = tenantOf(request)
      const idempotency = idempotencyOf(request, 'send')
      const outcome = await acceptOne(
        deps,
        { id: tenantId, mode },
        request.body,
        idempotency,
        request.answerBy,
      )
      const { messages, createdAt } = acceptedOf(outcome, reply)
      const [accepted] = messages
      if (!accepted) throw new Error('accepted nothing')
      return reply.code(202).send(presentAccepted(accepted, createdAt))
    },
  })
}
