import { isPendingStatus } from '@lettergate/contracts/messages/recipient-status'
import type { Capabilities } from '@lettergate/providers/provider'
import { singleRecipientsOf } from './attempt-history.ts'
import type { LoadedMessage, LoadedRecipient, UnknownAttempt } from './sql/load-claimed.ts'

export function pendingRecipients(message: { recipients: LoadedRecipient[] }): LoadedRecipient[] {
  return message.recipients.filter((recipient) => isPendingStatus(recipient.status))
}

/** The capabilities that decide which recipients one call may carry. */
export type Takes = Pick<Capabilities, 'recipientsMax' | 'needsTo'>

const TAKES_ALL: Takes = { recipientsMax: Number.POSITIVE_INFINITY }

/** The recipients of one attempt. */
export type SelectedRecipients = {
  carried: LoadedRecipient[]
  /** Recipients of the same kind that this call cannot carry: they follow as soon as it is done. */
  left: LoadedRecipient[]
  /** The attempt with unknown outcome that is repeated; it decides the connection and the key. */
  unknownAttempt: UnknownAttempt | null
  /** Calls made so far for a single recipient; null if the call may carry several. */
  singleTries: number | null
}

const isIn = (positions: readonly number[] | undefined, { position }: LoadedRecipient) =>
  positions === undefined || positions.includes(position)

/**
 * Picks the recipients of the next attempt. Three kinds never mix, in this order:
 * 1. untried in this round;
 * 2. those of one attempt with unknown outcome: the same set, so that its provider recognises the key;
 * 3. deferred.
 * Within a kind, recipients that need a call of their own follow the others. Pure, and unchanged until the outcome is recorded: the sweeper
 * derives from it what a lost call carried.
 */
export function selectRecipients(
  message: Pick<LoadedMessage, 'recipients' | 'unknownAttempts' | 'tries'>,
  { recipientsMax, needsTo }: Takes = TAKES_ALL,
): SelectedRecipients {
  const pending = pendingRecipients(message)
  const isOfUnknown = (recipient: LoadedRecipient) =>
    message.unknownAttempts.some(({ positions }) => isIn(positions, recipient))
  const singles = singleRecipientsOf(message.tries)
  const singleTries = (recipient?: LoadedRecipient) =>
    singles.find(({ position }) => position === recipient?.position)?.tries ?? null
  const cut = (list: LoadedRecipient[]): SelectedRecipients => {
    const together = list.filter((recipient) => singleTries(recipient) === null)
    const carried = together.length > 0 ? together.slice(0, recipientsMax) : list.slice(0, 1)
    if (needsTo && carried.every(({ kind }) => kind !== 'to')) carried.splice(1)
    const left = list.filter((recipient) => !carried.includes(recipient))
    return { carried, left, unknownAttempt: null, singleTries: singleTries(carried[0]) }
  }
  const fresh = pending.filter((recipient) => recipient.status !== 'deferred' && !isOfUnknown(recipient))
  if (fresh.length > 0) return cut(fresh)
  for (const unknown of message.unknownAttempts) {
    const carried = pending.filter((recipient) => isIn(unknown.positions, recipient))
    if (carried.length > 0)
      return {
        carried,
        left: [],
        unknownAttempt: unknown,
        singleTries: carried.length === 1 ? singleTries(carried[0]) : null,
      }
  }
  return cut(pending)
}
