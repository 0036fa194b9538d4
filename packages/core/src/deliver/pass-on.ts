import { classOf } from '@lettergate/providers/lib/failures'
import type { RecipientRefusal, SendOutcome } from '@lettergate/providers/provider'
import { unrecognisedOf } from './attempt-history.ts'
import type { SelectedRecipients } from './select-recipients.ts'
import type { LoadedMessage, LoadedRecipient } from './sql/load-claimed.ts'

/** A recipient that a call refused by name, and that another connection gets at once. */
export type PassedOn = { recipient: LoadedRecipient; refusal: RecipientRefusal }

/** Whether another connection stands ready. */
type Others = { hasOther?: boolean; hasReady?: boolean }

/** Those for whom a refusal in unknown words has come before: one more is final. */
export function refusedBefore(message: Pick<LoadedMessage, 'tries'>): ReadonlySet<number> {
  return new Set(unrecognisedOf(message.tries).map(({ position }) => position))
}

function isForAnother(refusal: RecipientRefusal, { hasOther, hasReady }: Others): boolean {
  const { outcome, connection, elsewhere } = classOf(refusal.code)
  if (outcome === 'rejected-message') return elsewhere !== undefined && hasReady === true
  if (refusal.kind !== 'deferred' || refusal.retryAfterMs === 0) return false
  // What this account may not do for one of several, another account may.
  return hasOther === true && (outcome === 'rejected-account' || connection !== 'none')
}

/**
 * Whom a call refused by name, for a reason that another connection may not have. The others of that call go their own ways. After a try
 * that may have been taken nobody is passed on, since only its provider can recognise a repeat.
 */
export function passedOnBy(
  outcome: SendOutcome,
  { carried, unknownAttempt }: SelectedRecipients,
  before: ReadonlySet<number>,
  others: Others,
): PassedOn[] {
  const refused = 'refused' in outcome ? (outcome.refused ?? []) : []
  if (unknownAttempt || refused.length === 0) return []
  const byAddress = new Map(carried.map((recipient) => [recipient.address, recipient]))
  return refused.flatMap((refusal) => {
    const recipient = byAddress.get(refusal.address)
    if (!recipient || !isForAnother(refusal, others)) return []
    const isFinal = classOf(refusal.code).elsewhere === 'once' && before.has(recipient.position)
    return isFinal ? [] : [{ recipient, refusal }]
  })
}
