import type { RecipientRefusal, SendOutcome } from './provider.ts'

/** The outcome of an attempt whose every recipient was refused by name: retried while one of them may still succeed. */
export function toRefusedOutcome(refused: RecipientRefusal[]): SendOutcome {
  const rejected = refused.filter((refusal) => refusal.kind === 'rejected')
  const deferred = refused.find((refusal) => refusal.kind === 'deferred')
  if (!deferred) {
    const { code = 'recipient-refused', reason = 'no recipient' } = rejected[0] ?? {}
    return { kind: 'rejected', scope: 'message', code, reason }
  }
  const { code, reason } = deferred
  return { kind: 'deferred', code, reason, ...(rejected.length > 0 && { refused: rejected }) }
}
