import { setTimeout as sleep } from 'node:timers/promises'
import type { CounterState, QuotaCache, QuotaState } from '@lettergate/core/usage'
import type { FastifyInstance, FastifyReply } from 'fastify'
import type { LimitHit } from './request-limits.ts'

const DAY_SECONDS = 86_400
/** The window of a month, as the draft wants one number. */
const MONTH_SECONDS = 31 * DAY_SECONDS
/** Longer than a look at the database takes while it answers; an answer never waits longer for its fields. */
const LOOK_MS = 100

/** The fields of a refusal because of too many requests. */
export function requestLimitFields({ limit, windowSeconds, resetSeconds }: LimitHit): Record<string, string> {
  return {
    'retry-after': String(resetSeconds),
    'ratelimit-policy': `"requests";q=${limit};w=${windowSeconds}`,
    ratelimit: `"requests";r=0;t=${resetSeconds}`,
  }
}

type Policy = { name: string; seconds: number; state: CounterState }

function policiesOf(quota: QuotaState): Policy[] {
  return [
    { name: 'daily', seconds: DAY_SECONDS, state: quota.day },
    { name: 'monthly', seconds: MONTH_SECONDS, state: quota.month },
    { name: 'pool', seconds: DAY_SECONDS, state: quota.pool },
  ]
}

/** Puts the tenant's limits in recipients on the answer, as the IETF's RateLimit fields say it (draft-ietf-httpapi-ratelimit-headers). */
export function addRateLimitFields(reply: FastifyReply, quota: QuotaState): void {
  const limited = policiesOf(quota).flatMap(({ name, seconds, state: { limit, used, resetSeconds } }) =>
    limit === null
      ? []
      : {
          policy: `"${name}";q=${limit};w=${seconds}`,
          state: `"${name}";r=${Math.max(0, limit - used)};t=${resetSeconds}`,
        },
  )
  reply.headers({
    'ratelimit-policy': limited.map(({ policy }) => policy).join(', '),
    ratelimit: limited.map(({ state }) => state).join(', '),
  })
}

/** Puts the fields on every answer to a tenant's key that has none of its own: as they were four seconds ago at most, in this process. */
export function addQuotaToAnswers(app: FastifyInstance, { quotas }: { quotas: QuotaCache }): void {
  app.addHook('onSend', async (request, reply) => {
    const { principal } = request
    if (!principal || principal.mode === 'admin' || reply.hasHeader('ratelimit')) return
    const known = quotas.known(principal)
    const quota =
      known === undefined ? await Promise.race([quotas.read(principal), sleep(LOOK_MS, null)]) : known
    if (quota) addRateLimitFields(reply, quota)
  })
}
