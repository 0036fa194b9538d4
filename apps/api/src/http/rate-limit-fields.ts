import { Problem } from '@lettergate/contracts/problems/problems'
import type { QuotaState } from '@lettergate/core/accept'
import type { FastifyReply } from 'fastify'

const DAY_SECONDS = 86_400

/** The tenant's daily quota as the IETF's RateLimit fields say it (draft-ietf-httpapi-ratelimit-headers). */
function rateLimitFields(quota: QuotaState): Record<string, string> {
  return {
    'ratelimit-policy': `"daily";q=${quota.limit};w=${DAY_SECONDS}`,
    ratelimit: `"daily";r=${Math.max(0, quota.limit - quota.used)};t=${quota.resetSeconds}`,
  }
}

/** Puts the quota's fields on the answer. */
export function addRateLimitFields(reply: FastifyReply, quota: QuotaState): void {
  reply.headers(rateLimitFields(quota))
}

/** The refusal of a request that asks for more than is left today. */
export function quotaExceeded(quota: QuotaState, requested: number): Problem {
  const left = Math.max(0, quota.limit - quota.used)
  return new Problem('quota-exceeded', {
    detail: `This needs ${requested} recipients, but ${left} of ${quota.limit} are left today (UTC). Nothing was accepted.`,
    headers: { ...rateLimitFields(quota), 'retry-after': String(quota.resetSeconds) },
  })
}
