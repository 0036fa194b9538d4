import { isPendingStatus } from '@lettergate/contracts/messages/recipient-status'
import type { Capabilities } from '@lettergate/providers/provider'
import { aloneOf } from './attempt-history.ts'
import type { LoadedMessage, LoadedRecipient } from './sql/load-claimed.ts'

export function pendingRecipients(message: { recipients: LoadedRecipient[] }): LoadedRecipient[] {
  return message.recipients.filter((recipient) => isPendingStatus(recipient.status))
}

/** What of a provider decides whom one call to it may carry. */
export type Takes = Pick<Capabilities, 'recipientsMax' | 'needsTo'>

const TAKES_ALL: Takes = { recipientsMax: Number.POSITIVE_INFINITY }

/** The recipients of one hand-off. */
export type Portion = {
  carried: LoadedRecipient[]
  /** Of the same kind, but not to go in one call with them: they follow as soon as this is done. */
  left: LoadedRecipient[]
  /** The try that may have reached those who are carried; it decides the connection and the key. */
  unsure: LoadedMessage['unsure']
  /** Of one that goes alone, since a call with several was refused for the sake of one: how often it did already. */
  aloneBefore: number | null
}

const isIn = (positions: readonly number[] | undefined, { position }: LoadedRecipient) =>
  positions === undefined || positions.includes(position)

/**
 * Whom the next hand-off carries. Three kinds never mix: those not tried in this round, those whom a try of unknown outcome may
 * have reached (its own set again, so that its provider knows the key), and those deferred, whose time comes when nobody of the
 * first kind is left. Of one kind, those who are to go alone follow one by one after the others. Pure, and the same until the outcome
 * is recorded: the sweeper works out from it what a lost call carried.
 */
export function portionOf(
  message: Pick<LoadedMessage, 'recipients' | 'unsure' | 'doubts' | 'tries'>,
  { recipientsMax, needsTo }: Takes = TAKES_ALL,
): Portion {
  const pending = pendingRecipients(message)
  const doubts = message.doubts ?? (message.unsure ? [message.unsure] : [])
  const inDoubt = (recipient: LoadedRecipient) => doubts.some(({ positions }) => isIn(positions, recipient))
  const alone = aloneOf(message.tries)
  const aloneBefore = (recipient?: LoadedRecipient) =>
    alone.find(({ position }) => position === recipient?.position)?.tries ?? null
  const cut = (list: LoadedRecipient[]): Portion => {
    const together = list.filter((recipient) => aloneBefore(recipient) === null)
    const carried = together.length > 0 ? together.slice(0, recipientsMax) : list.slice(0, 1)
    if (needsTo && carried.every(({ kind }) => kind !== 'to')) carried.splice(1)
    const left = list.filter((recipient) => !carried.includes(recipient))
    return { carried, left, unsure: null, aloneBefore: aloneBefore(carried[0]) }
  }
  const fresh = pending.filter((recipient) => recipient.status !== 'deferred' && !inDoubt(recipient))
  if (fresh.length > 0) return cut(fresh)
  for (const doubt of doubts) {
    const carried = pending.filter((recipient) => isIn(doubt.positions, recipient))
    if (carried.length > 0)
      return {
        ...{ carried, left: [], unsure: doubt },
        aloneBefore: carried.length === 1 ? aloneBefore(carried[0]) : null,
      }
  }
  return cut(pending)
}
