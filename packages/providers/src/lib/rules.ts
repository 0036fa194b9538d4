import type { HttpResponse, SendOutcome } from '../provider.ts'
import { toReason } from './answer.ts'
import type { FailureCode } from './failures.ts'
import { retryAfterMs } from './http.ts'
import { toFailure } from './to-failure.ts'

/** What a provider's answer says went wrong, in its own words, each on one line. */
export type ProviderError = { status: number; code: string; message: string }

/** One row of a provider's table: what is left out fits everything. `waitMs` is for an answer that names no wait. */
export type Rule = { status?: RegExp; code?: RegExp; message?: RegExp; is: FailureCode; waitMs?: number }

/** The row that decides: the first that fits. */
export function findRule(rules: readonly Rule[], error: ProviderError): Rule | undefined {
  return rules.find(
    (rule) =>
      (rule.status?.test(String(error.status)) ?? true) &&
      (rule.code?.test(error.code) ?? true) &&
      (rule.message?.test(error.message) ?? true),
  )
}

/** What a refusing answer means, by the provider's table; what no row knows is not recognised. */
export function judge(
  rules: readonly Rule[],
  error: ProviderError,
  response: HttpResponse,
  now: Date,
): SendOutcome {
  const rule = findRule(rules, error)
  const reason = toReason(error.status, error.code, error.message)
  return toFailure(rule?.is ?? 'refusal-unrecognised', reason, retryAfterMs(response, now) ?? rule?.waitMs)
}
