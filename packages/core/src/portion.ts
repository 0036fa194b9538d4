import type { LoadedMessage, LoadedRecipient } from '@lettergate/db/sql/load-claimed'

/** Recipients that still wait for a hand-off. */
const PENDING = new Set(['scheduled', 'queued', 'deferred', 'held'])

export function pendingRecipients(message: { recipients: LoadedRecipient[] }): LoadedRecipient[] {
  return message.recipients.filter((recipient) => PENDING.has(recipient.status))
}

/** The recipients of one hand-off. */
export type Portion = {
  carried: LoadedRecipient[]
  /** Of the same kind, but more than the provider takes at once: they follow as soon as this is done. */
  left: LoadedRecipient[]
  /** The try that may have reached those who are carried; it decides the connection and the key. */
  unsure: LoadedMessage['unsure']
}

const isIn = (positions: readonly number[] | undefined, { position }: LoadedRecipient) =>
  positions === undefined || positions.includes(position)

/**
 * Whom the next hand-off carries. Three kinds never mix: those not tried in this round, those whom a try of unknown outcome may
 * have reached (its own set again, so that its provider knows the key), and those deferred, whose time comes when nobody of the
 * first kind is left. Pure, and the same until the outcome is recorded: the sweeper works out from it what a lost call carried.
 */
export function portionOf(
  message: Pick<LoadedMessage, 'recipients' | 'unsure' | 'doubts'>,
  recipientsMax = Number.POSITIVE_INFINITY,
): Portion {
  const pending = pendingRecipients(message)
  const doubts = message.doubts ?? (message.unsure ? [message.unsure] : [])
  const inDoubt = (recipient: LoadedRecipient) => doubts.some(({ positions }) => isIn(positions, recipient))
  const cut = (list: LoadedRecipient[]): Portion => ({
    carried: list.slice(0, recipientsMax),
    left: list.slice(recipientsMax),
    unsure: null,
  })
  const fresh = pending.filter((recipient) => recipient.status !== 'deferred' && !inDoubt(recipient))
  if (fresh.length > 0) return cut(fresh)
  for (const doubt of doubts) {
    const carried = pending.filter((recipient) => isIn(doubt.positions, recipient))
    if (carried.length > 0) return { carried, left: [], unsure: doubt }
  }
  return cut(pending)
}
