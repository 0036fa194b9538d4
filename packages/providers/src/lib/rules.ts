import type { HttpResponse, SendOutcome } from '../provider.ts'
import { toReason } from './answer.ts'
import type { FailureCode } from './failures.ts'
import { retryAfterMs } from './http.ts'
import { toFailure } from './to-failure.ts'

/** An error in a provider's own words, each on one line. */
export type ProviderError = { status: number; code: string; message: string }

/** One row of a provider's table: omitted fields match everything. `waitMs`: for an answer that names no wait. */
export type Rule = { status?: RegExp; code?: RegExp; message?: RegExp; is: FailureCode; waitMs?: number }

/** Finds the first row that matches. */
export function findRule(rules: readonly Rule[], error: ProviderError): Rule | undefined {
  return rules.find(
    (rule) =>
      (rule.status?.test(String(error.status)) ?? true) &&
      (rule.code?.test(error.code) ?? true) &&
      (rule.message?.test(error.message) ?? true),
  )
}

/** Classifies a refusal by the provider's table; without a matching row it is not recognised. */
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
