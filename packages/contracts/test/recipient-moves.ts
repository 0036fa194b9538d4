import type { RecipientStatus } from '../src/messages/recipient-status.ts'

// Provider events arrive late, twice and in any order. What they can say forms a chain, and only moves up the
// chain are allowed, so the result is the highest thing said, whatever the order:
// unknown < sent < suppressed < failed < delivered < bounced < complained.
const fromComplained: readonly RecipientStatus[] = []
const fromBounced: readonly RecipientStatus[] = [...fromComplained, 'complained']
const fromDelivered: readonly RecipientStatus[] = [...fromBounced, 'bounced']
const afterFailed: readonly RecipientStatus[] = [...fromDelivered, 'delivered']
const afterSuppressed: readonly RecipientStatus[] = [...afterFailed, 'failed']
const fromSent: readonly RecipientStatus[] = [...afterSuppressed, 'suppressed']
const handedOver: readonly RecipientStatus[] = [...fromSent, 'sent']

/**
 * Every allowed move. A result may be recorded without `sending` in between, since that step is committed in
 * the outbox and shown from there. `sent` never goes back to a status that is due again: a delay on the
 * provider's side is an event, not our `deferred`.
 */
export const recipientMoves: Readonly<Record<RecipientStatus, readonly RecipientStatus[]>> = {
  scheduled: ['queued', 'sending', 'held', 'cancelled', ...handedOver, 'unknown', 'deferred'],
  queued: ['sending', 'held', 'cancelled', ...handedOver, 'unknown', 'deferred'],
  sending: [...handedOver, 'unknown', 'deferred', 'queued'],
  deferred: ['queued', 'sending', 'held', 'cancelled', ...handedOver, 'unknown'],
  // Back to scheduled when somebody releases a message whose time is still to come.
  held: ['scheduled', 'queued', 'sending', 'cancelled', ...handedOver, 'unknown', 'deferred'],
  unknown: ['queued', 'sending', 'deferred', ...handedOver],
  sent: fromSent,
  suppressed: afterSuppressed,
  // Back to queued only when the tenant asks for a retry.
  failed: [...afterFailed, 'queued'],
  delivered: fromDelivered,
  bounced: fromBounced,
  complained: fromComplained,
  cancelled: [],
}

/** True when a recipient may go from one status to another; staying is not a move. */
export function canMove(from: RecipientStatus, to: RecipientStatus): boolean {
  return recipientMoves[from].includes(to)
}
