import type { Capabilities } from '@lettergate/providers/provider'
import { singleRecipientsOf } from './attempt-history.ts'
import type { LoadedMessage, LoadedRecipient } from './sql/load-claimed.ts'

/** Recipients that still wait for a hand-off. */
const PENDING = new Set(['scheduled', 'queued', 'deferred', 'held'])

export function pendingRecipients(message: { recipients: LoadedRecipient[] }): LoadedRecipient[] {
  return message.recipients.filter((recipient) => PENDING.has(recipient.status))
}

/** What of a provider decides whom one call to it may carry. */
export type Takes = Pick<Capabilities, 'recipientsMax' | 'needsTo'>

const TAKES_ALL: Takes = { recipientsMax: Number.POSITIVE_INFINITY }

/** The recipients of one hand-off. */
export type SelectedRecipients = {
  carried: LoadedRecipient[]
  /** Of the same kind, but not to go in one call with them: they follow as soon as this is done. */
  left: LoadedRecipient[]
  /** The try that may have reached those who are carried; it decides the connection and the key. */
  unknownAttempt: LoadedMessage['unknownAttempt']
  /** Of one that goes alone, since a call with several was refused for the sake of one: how often it did already. */
  singleTries: number | null
}

const isIn = (positions: readonly number[] | undefined, { position }: LoadedRecipient) =>
  positions === undefined || positions.includes(position)

/**
 * Whom the next hand-off carries. Three kinds never mix: those not tried in this round, those whom a try of unknown outcome may
 * have reached (its own set again, so that its provider knows the key), and those deferred, whose time comes when nobody of the
 * first kind is left. Of one kind, those who are to go alone follow one by one after the others. Pure, and the same until the outcome
 * is recorded: the sweeper works out from it what a lost call carried.
 */
export function selectRecipients(
  message: Pick<LoadedMessage, 'recipients' | 'unknownAttempt' | 'unknownAttempts' | 'tries'>,
  { recipientsMax, needsTo }: Takes = TAKES_ALL,
): SelectedRecipients {
  const pending = pendingRecipients(message)
  const unknownAttempts = message.unknownAttempts ?? (message.unknownAttempt ? [message.unknownAttempt] : [])
  const isOfUnknown = (recipient: LoadedRecipient) =>
    unknownAttempts.some(({ positions }) => isIn(positions, recipient))
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
  for (const unknown of unknownAttempts) {
    const carried = pending.filter((recipient) => isIn(unknown.positions, recipient))
    if (carried.length > 0)
      return {
        ...{ carried, left: [], unknownAttempt: unknown },
        singleTries: carried.length === 1 ? singleTries(carried[0]) : null,
      }
  }
  return cut(pending)
}
