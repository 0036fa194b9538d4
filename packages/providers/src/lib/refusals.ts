import type { RecipientRefusal, SendOutcome } from '../provider.ts'
import { classOf } from './failures.ts'

/** The outcome of an attempt whose every recipient was refused by name: retried while one of them may still succeed. */
export function toRefusedOutcome(refused: RecipientRefusal[]): SendOutcome {
  const rejected = refused.filter((refusal) => refusal.kind === 'rejected')
  const waiting = refused.filter((refusal) => refusal.kind === 'deferred')
  // A limit of the account is waited for by all.
  const deferred = waiting.find(({ code }) => classOf(code).connection === 'slows') ?? waiting[0]
  if (!deferred) {
    // If another connection may be tried for one of them, the whole attempt says so.
    const told = rejected.find(({ code }) => classOf(code).elsewhere === 'once') ?? rejected[0]
    const { code = 'recipient-refused', reason = 'no recipient' } = told ?? {}
    // If another connection may try one of the recipients, it may try all.
    const hasOwnReasons = rejected.length > 1 && classOf(code).elsewhere !== true
    return { kind: 'rejected', scope: 'message', code, reason, ...(hasOwnReasons && { refused: rejected }) }
  }
  const { code, reason } = deferred
  // The longest wait applies: an earlier repeat would be refused again.
  const waitMs = Math.max(0, ...refused.map(({ retryAfterMs = 0 }) => retryAfterMs))
  return {
    kind: 'deferred',
    code,
    reason,
    ...(waitMs > 0 && { retryAfterMs: waitMs }),
    ...(rejected.length > 0 && { refused: rejected }),
  }
}

/**
 * The outcome of a call that a provider refuses completely because of some recipients, which its answer names: only these are
 * refused permanently. Unchanged if none is named.
 */
export function toPartlyRefused(outcome: SendOutcome, named: Iterable<string>): SendOutcome {
  if (outcome.kind !== 'rejected' || classOf(outcome.code).mayBeOneOfMany !== true) return outcome
  const { code, reason } = outcome
  const refused = [...named].map((address) => ({ address, kind: 'rejected', code, reason }) as const)
  return refused.length === 0 ? outcome : { ...outcome, refused }
}
