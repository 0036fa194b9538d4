import { classOf } from '@lettergate/providers/lib/failures'
import type { RecipientRefusal, SendOutcome } from '@lettergate/providers/provider'
import { unrecognisedOf } from './attempt-history.ts'
import type { Others } from './choose-connection.ts'
import type { SelectedRecipients } from './select-recipients.ts'
import type { LoadedMessage, LoadedRecipient } from './sql/load-claimed.ts'

/** A recipient refused by name, which another connection tries immediately. */
export type PassedOn = { recipient: LoadedRecipient; refusal: RecipientRefusal }

/** Recipients with an earlier unrecognised refusal: a second one is final. */
export function refusedBefore(message: Pick<LoadedMessage, 'tries'>): ReadonlySet<number> {
  return new Set(unrecognisedOf(message.tries).map(({ position }) => position))
}

function isForAnother(refusal: RecipientRefusal, { hasOther, hasReady }: Others): boolean {
  const { outcome, connection, elsewhere } = classOf(refusal.code)
  if (outcome === 'rejected-message') return elsewhere !== undefined && hasReady
  if (refusal.kind !== 'deferred' || refusal.retryAfterMs === 0) return false
  // Another account may be permitted to send to this recipient.
  return hasOther && (outcome === 'rejected-account' || connection !== 'none')
}

/**
 * Selects recipients refused by name for a reason that may not apply to another connection. None after an attempt with unknown outcome:
 * only its own provider can recognise a repeat.
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
