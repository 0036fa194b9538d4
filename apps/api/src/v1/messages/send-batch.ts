import { setImmediate } from 'node:timers/promises'
import { toPublicId } from '@lettergate/contracts/lib/ids'
import { BatchAnswer, type BatchResult } from '@lettergate/contracts/messages/responses'
import {
  type NewMessage,
  parseSendBatch,
  SendBatchRequest,
} from '@lettergate/contracts/messages/send-request'
import { Problem } from '@lettergate/contracts/problems/problems'
import type { AcceptedMessage } from '@lettergate/core/accept'
import type { FastifyRequest } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { ReadMessages } from '../../http/json/read-large.ts'
import { payerOf } from '../../http/json-body.ts'
import { problemDetails } from '../../http/problem-details.ts'
import { tenantRoute } from '../../http/route.ts'
import { answer, IdempotencyHeader } from '../../http/schemas.ts'
import { idempotencyOf, resultsOf } from '../../http/submission.ts'

function presentResult(result: AcceptedMessage | Problem): BatchResult {
  if (result instanceof Problem) return { problem: problemDetails(result) }
  return { id: toPublicId('msg', result.id), status: result.status }
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
function chargeRefused(
  deps: ApiDeps,
  request: FastifyRequest,
  results: readonly (AcceptedMessage | Problem)[],
): void {
  const refused = results.filter((result) => result instanceof Problem).length
  if (refused === 0) return
  deps.refusedBodies.charge(payerOf(request), Math.round((request.bodyBytes * refused) / results.length))
}

/** Accepts up to 500 messages, each judged by itself; the quota takes all of the good ones or none. */
export const sendBatchRoute = tenantRoute('POST', '/v1/send/batch', {
  scope: 'messages:send',
  accepts: true,
  messages: 'batch',
  operationId: 'sendBatch',
  summary: 'Send many messages',
  description:
    'Each message is checked separately: the result of an invalid one is a problem, and the others are accepted. Valid messages ' +
    'are stored together, or none of them if the quota is too small for all.',
  headers: IdempotencyHeader,
  bodyInReference: SendBatchRequest,
  answers: { 202: answer('The result for each message.', BatchAnswer) },
  problems: [409, 429],
  handler: async ({ deps, request, reply, tenant }) => {
    const { tenantId, mode, fromDomains } = tenant
    const outcome = await deps.submit({
      tenant: { id: tenantId, mode },
      fromDomains,
      messages: await parseInTurns(request.body, new Date(deps.clock.now())),
      atomic: false,
      idempotency: idempotencyOf(request, 'batch'),
      until: request.answerBy,
    })
    const results = outcome.kind === 'none-accepted' ? outcome.problems : resultsOf(outcome, reply).results
    chargeRefused(deps, request, results)
    return { results: results.map(presentResult) }
  },
})
