import { BULK_TURN } from '../dispatch/index.ts'

/** Sending times of one connection, as this worker knows them. Times are of `performance.now()`. */
export type Bookings = {
  /** The version of the tenant's connections that these times hold for. */
  version: number
  /** Sending times are reserved until then. */
  until: number
  /** When the deferred bulk mail will have been sent. */
  tail: number
  /** When bulk mail has its turn again, for any reservations. */
  turnAt: number
}

/** Limits how far ahead bulk mail reserves sending times, and so how long it delays transactional mail. */
const AHEAD_MS = 1_000

export const noBookings = (version = 0): Bookings => ({ version, until: 0, tail: 0, turnAt: 0 })

/**
 * Lets bulk mail reserve a sending time, or answers in how many ms to retry. Bulk may reserve while little is reserved, and an eighth of
 * the rate at any time, so that transactional mail never starves it.
 */
export function bookBulk(
  bookings: Bookings,
  call: { recipients: number; version: number; rate: number },
  now: number,
): number | null {
  if (call.version !== bookings.version) {
    bookings.version = call.version
    bookings.until = 0
    bookings.tail = 0
    bookings.turnAt = 0
  }
  const lastsMs = (call.recipients / call.rate) * 1_000
  const from = Math.max(bookings.until, now)
  if (from - now < AHEAD_MS || now >= bookings.turnAt) {
    bookings.until = from + lastsMs
    bookings.turnAt = now + BULK_TURN * lastsMs
    return null
  }
  bookings.tail = Math.max(bookings.tail, from) + lastsMs
  return bookings.tail - now
}
