import { Problem } from '@lettergate/contracts/problems/problems'

/** A tenant's daily quota in recipients, after a request. */
export type QuotaState = { limit: number; used: number; resetSeconds: number }

/** The refusal of a request that needs more recipients than are left today. */
export function quotaExceeded(quota: QuotaState, requested: number): Problem {
  const left = Math.max(0, quota.limit - quota.used)
  return new Problem('quota-exceeded', {
    detail: `This needs ${requested} recipients, but ${left} of ${quota.limit} are left today (UTC). Nothing was accepted.`,
    headers: { 'retry-after': String(quota.resetSeconds) },
  })
}
