import type { AccountProblem, AccountReport, NetworkFailure } from '../provider.ts'
import { toReason } from './answer.ts'
import type { FailureCode } from './failures.ts'
import { networkCode } from './http.ts'
import { findRule, type ProviderError, type Rule } from './rules.ts'

/** Advice for each class of failure of a check; docs/problems has more. */
const advice: Partial<Record<FailureCode, string>> = {
  'provider-credentials-refused':
    'Make a new key at the provider, and rotate the credentials of this connection.',
  'provider-permission-missing': 'Give the key the permissions that docs/providers names for it.',
  'provider-account-suspended': 'Ask the provider why the account may not send.',
  'provider-settings-wrong': 'Compare region, domain and address in the settings with those at the provider.',
  'provider-egress-refused': 'The operator of this installation does not permit connections to this host.',
  'provider-unreachable':
    'Compare host and port in the settings with the provider’s documentation; try again later.',
  'provider-rate-limited': 'Try again in a minute.',
  'provider-sender-refused': 'Verify the domain or address in From at the provider.',
}

/** One fault and what to do about it; `more` says what is special about this provider. */
export function toAccountProblem(code: FailureCode, reason: string, more: string[] = []): AccountProblem {
  const usual = advice[code]
  return { code, reason, advice: [...more, ...(usual === undefined ? [] : [usual])] }
}

/** A report of one fault. */
export function problemReport(code: FailureCode, reason: string, more: string[] = []): AccountReport {
  return { problem: toAccountProblem(code, reason, more), notes: [] }
}

/** Adds this provider's advice on the problem of a report. */
export function withAdvice(
  report: AccountReport,
  further: Partial<Record<FailureCode, string>>,
): AccountReport {
  const { problem } = report
  const more = problem && further[problem.code]
  return problem && more ? { ...report, problem: { ...problem, advice: [...problem.advice, more] } } : report
}

/** Codes that do not concern the account. */
const saysNothing = new Set<FailureCode>(['message-refused', 'refusal-unrecognised', 'outcome-unknown'])

/** The fault of a query without an answer; a query changes nothing, so nothing is unknown. */
export function unreachableFault(failure: NetworkFailure): AccountProblem {
  return toAccountProblem(failure.refused ? networkCode(failure) : 'provider-unreachable', failure.reason)
}

/** The fault that a refused query shows. */
export function toRefusedFault(rules: readonly Rule[], problem: ProviderError): AccountProblem {
  const code = findRule(rules, problem)?.is ?? 'refusal-unrecognised'
  const readable = saysNothing.has(code) ? 'provider-unavailable' : code
  return toAccountProblem(readable, toReason(problem.status, problem.code, problem.message))
}
