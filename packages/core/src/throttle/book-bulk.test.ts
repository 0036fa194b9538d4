import { expect, test } from 'vitest'
import { type Bookings, bookBulk, noBookings } from './book-bulk.ts'

const mail = { recipients: 1, version: 1, rate: 10 }

/** The number of bulk mails, of this number, that may ask for a sending time. */
const asked = (bookings: Bookings, count: number, now = 0) =>
  Array.from({ length: count }, () => bookBulk(bookings, mail, now)).filter((wait) => wait === null).length

test('a flood of bulk reserves the times of one second, and further bulk is deferred until its turn', () => {
  const bookings = noBookings()
  expect(asked(bookings, 10)).toBe(10)
  expect(bookBulk(bookings, mail, 0)).toBe(1_100)
  expect(bookBulk(bookings, mail, 0)).toBe(1_200)
  expect(asked(bookings, 100, 500)).toBe(5)
})

test('bulk has an eighth of the rate while transactional mail has reserved all of it', () => {
  const bookings = { ...noBookings(1), until: 60_000 }
  let count = 0
  for (let now = 0; now < 8_000; now += 50) count += asked(bookings, 1, now)
  expect(count).toBe(10)
})

test('reserved times start again after a change of the connection', () => {
  const bookings = { ...noBookings(1), until: 3_600_000, turnAt: 3_600_000 }
  expect(bookBulk(bookings, mail, 0)).not.toBeNull()
  expect(bookBulk(bookings, { ...mail, version: 2 }, 0)).toBeNull()
})
