import type { Submission, SubmitOutcome } from '@lettergate/core/accept'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { idempotencyKey } from './idempotency-key.ts'
import { addRateLimitFields } from './rate-limit-fields.ts'

/** The request's claim on its Idempotency-Key. */
export function idempotencyOf(request: FastifyRequest, route: string): Submission['idempotency'] {
  const key = idempotencyKey(request)
  if (key === null || request.bodyHash === null) return null
  const { ofValue, ofBytes } = request.bodyHash
  return { key, route, bodyHash: ofValue, bytesHash: ofBytes }
}

/** The results of a submission that stored something, with its fields on the answer; throws the problem of any other. */
export function resultsOf(
  outcome: SubmitOutcome,
  reply: FastifyReply,
): Extract<SubmitOutcome, { kind: 'accepted' | 'replayed' }> {
  switch (outcome.kind) {
    case 'accepted':
    case 'replayed':
      if (outcome.quota) addRateLimitFields(reply, outcome.quota)
      if (outcome.kind === 'replayed') reply.header('idempotency-replayed', 'true')
      return outcome
    case 'refused':
      if (outcome.quota) addRateLimitFields(reply, outcome.quota)
      throw outcome.problem
    case 'none-accepted':
      throw outcome.problems[0]
    case 'unavailable':
      throw outcome.problem
  }
}
