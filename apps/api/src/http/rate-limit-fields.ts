import type { QuotaState } from '@lettergate/core/usage'
import type { FastifyReply } from 'fastify'
import type { LimitHit } from './request-limits.ts'

const DAY_SECONDS = 86_400

/** The fields of a refusal because of too many requests. */
export function requestLimitFields({ limit, windowSeconds, resetSeconds }: LimitHit): Record<string, string> {
  return {
    'retry-after': String(resetSeconds),
    'ratelimit-policy': `"requests";q=${limit};w=${windowSeconds}`,
    ratelimit: `"requests";r=0;t=${resetSeconds}`,
  }
}

/** Puts the tenant's daily quota on the answer, as the IETF's RateLimit fields say it (draft-ietf-httpapi-ratelimit-headers). */
export function addRateLimitFields(reply: FastifyReply, quota: QuotaState): void {
  reply.headers({
    'ratelimit-policy': `"daily";q=${quota.limit};w=${DAY_SECONDS}`,
    ratelimit: `"daily";r=${Math.max(0, quota.limit - quota.used)};t=${quota.resetSeconds}`,
  })
}
