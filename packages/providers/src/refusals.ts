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

/**
 * The outcome of a call whose provider sends to nobody for the sake of some: those that it names are refused for good, the others are
 * tried again without them. As it was where nobody is named, or everybody.
 */
export function toPartlyRefused(
  outcome: SendOutcome,
  named: ReadonlySet<string>,
  envelopeTo: readonly string[],
): SendOutcome {
  if (outcome.kind !== 'rejected' || outcome.code !== 'recipient-refused') return outcome
  if (named.size === 0 || named.size === envelopeTo.length) return outcome
  const { code, reason } = outcome
  return toRefusedOutcome(
    envelopeTo.map((address) =>
      named.has(address)
        ? { address, kind: 'rejected', code, reason }
        : { address, kind: 'deferred', code: 'recipient-deferred', reason: `not sent: ${reason}` },
    ),
  )
}
