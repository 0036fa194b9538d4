import { setImmediate } from 'node:timers/promises'
import { toPublicId } from '@lettergate/contracts/lib/ids'
import { BatchAnswer, type BatchResult, ProblemDetails } from '@lettergate/contracts/messages/responses'
import {
  type NewMessage,
  parseSendBatch,
  SendBatchRequest,
} from '@lettergate/contracts/messages/send-request'
import { Problem } from '@lettergate/contracts/problems/problems'
import type { AcceptedMessage } from '@lettergate/core/accept'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { ApiDeps } from '../../deps.ts'
import { tenantOf } from '../../http/authenticate.ts'
import { passingCompiler } from '../../http/compilers.ts'
import { ReadMessages } from '../../http/json/read-large.ts'
import { payerOf } from '../../http/json-body.ts'
import { problemDetails } from '../../http/problem-details.ts'
import { answer, IdempotencyHeader, problemAnswers } from '../../http/schemas.ts'
import { acceptedOf, idempotencyOf } from './send-message.ts'

/** Null where the message is good; their codes are kept with the accepted ones, for a repeat. */
const Problems = z.array(ProblemDetails.nullable())
type Problems = z.output<typeof Problems>

function present(problems: Problems, accepted: AcceptedMessage[]): BatchResult[] {
  let next = 0
  return problems.map((problem) => {
    if (problem) return { problem }
    const message = accepted[next++]
    if (!message) throw new Error('fewer messages were accepted than given')
    return { id: toPublicId('msg', message.id), status: message.status }
  })
}

/** Milliseconds of checking before others get their turn. */
const CHECK_MS_MAX = 10

/** All messages, checked; a large batch lets others run in between. */
async function parseInTurns(body: unknown, now: Date): Promise<(NewMessage | Problem)[]> {
  if (body instanceof ReadMessages) return body.entries
  const parsed: (NewMessage | Problem)[] = []
  let began = performance.now()
  for (const entry of parseSendBatch(body, { now })) {
    parsed.push(entry)
    if (performance.now() - began < CHECK_MS_MAX) continue
    await setImmediate()
    began = performance.now()
  }
  return parsed
}

/** Counts the refused part of a batch as a refused body. */
function chargeRefused(deps: ApiDeps, request: FastifyRequest, part: number): void {
  if (part > 0) deps.refusedBodies.charge(payerOf(request), Math.round(request.bodyBytes * part))
}

/** The part of a refused message stored with the key: its code, because a repeat is checked again. */
function toKept(problem: Problems[number]): Problems[number] {
  return problem && problemDetails(new Problem(problem.code))
}

/** The problems of a repeat: those of the first answer, in full where the same one is found again. */
function toldAgain(kept: unknown, now: Problems): Problems {
  return Problems.parse(kept).map((before, index) => {
    const found = now[index]
    return before && found?.code === before.code ? found : before
  })
}

function isMessage(entry: NewMessage | Problem): entry is NewMessage {
  return !(entry instanceof Problem)
}

/** Puts a problem in the place of each message whose connection could not carry it. */
function judgeConnections(
  deps: ApiDeps,
  tenantId: string,
  parsed: (NewMessage | Problem)[],
): Promise<(NewMessage | Problem)[]> {
  return Promise.all(
    parsed.map(async (entry, index) => {
      if (!isMessage(entry)) return entry
      return (await deps.connectionsCheck.findFault(tenantId, entry, `#/messages/${index}`)) ?? entry
    }),
  )
}

/** Accepts up to 500 messages, each judged by itself; the quota takes all of the good ones or none. */
export function addSendBatchRoute(app: FastifyInstance, deps: ApiDeps): void {
  app.post('/v1/send/batch', {
    config: { scope: 'messages:send', accepts: true, messages: 'batch' },
    schema: {
      operationId: 'sendBatch',
      summary: 'Send many messages',
      description:
        'Each message is judged by itself: a faulty one is a problem in its place and stops no other. The good ones are ' +
        'stored together, or none of them if the quota has no room for all.',
      tags: ['Messages'],
      headers: IdempotencyHeader,
      body: SendBatchRequest,
      response: {
        202: answer('What became of each message.', BatchAnswer),
        ...problemAnswers(400, 401, 403, 409, 413, 415, 422, 429, 503),
      },
    },
    validatorCompiler: passingCompiler,
    handler: async (request, reply) => {
      const { tenantId, mode } = tenantOf(request)
      const idempotency = idempotencyOf(request, 'batch')
      const now = new Date(deps.clock.now())
      const parsed = await judgeConnections(deps, tenantId, await parseInTurns(request.body, now))
      const problems: Problems = parsed.map((entry) => (isMessage(entry) ? null : problemDetails(entry)))
      const messages = parsed.filter(isMessage)
      chargeRefused(deps, request, 1 - messages.length / parsed.length)
      const tenant = { id: tenantId, mode }
      // All of them may be refused by now although the same request was accepted before.
      const before =
        messages.length === 0 && idempotency ? await deps.acceptor.replay(tenant, idempotency) : null
      if (messages.length === 0 && !before) {
        return reply.code(202).send({ results: present(problems, []) })
      }
      const outcome =
        before ??
        (await deps.acceptor.accept(tenant, {
          messages,
          until: request.answerBy,
          ...(idempotency && { idempotency: { ...idempotency, extra: problems.map(toKept) } }),
        }))
      const accepted = acceptedOf(outcome, reply)
      const told = accepted.replayed ? toldAgain(accepted.extra, problems) : problems
      return reply.code(202).send({ results: present(told, accepted.messages) })
    },
  })
}
