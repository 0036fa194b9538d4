import { type Head, valuesOf } from '@lettergate/providers/raw-mime/head'

/** Servers that a mail may have passed. */
const RECEIVED_MAX = 25

/** Written by us above each mail that is forwarded, as delivery agents do: a mail that comes back to it goes in circles. */
export const deliveredTo = (recipient: string): string => `Delivered-To: ${recipient}\r\n`

/** Why a mail goes in circles; null: it does not. */
export function loopOf(head: Pick<Head, 'fields'>, recipient: string): string | null {
  const hops = valuesOf(head, 'received').length
  if (hops > RECEIVED_MAX) return `The mail has passed ${hops} servers, which is more than ${RECEIVED_MAX}.`
  const wanted = recipient.toLowerCase()
  if (valuesOf(head, 'delivered-to').some((value) => value.toLowerCase() === wanted))
    return `The mail was delivered to ${recipient} before, and goes in circles.`
  return null
}
