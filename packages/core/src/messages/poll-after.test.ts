import { type RecipientStatus, recipientStatuses } from '@lettergate/contracts/messages/recipient-status'
import { expect, test } from 'vitest'
import { pollAfterSeconds } from './poll-after.ts'

const now = Date.UTC(2026, 10, 20)
const at = (seconds: number) => new Date(now + seconds * 1_000)
const after = (status: RecipientStatus, { age = 0, dueIn = 0 }: { age?: number; dueIn?: number } = {}) =>
  pollAfterSeconds({ status, createdAt: at(-age), dueAt: at(dueIn) }, now)

test('a message that waits is read again after a second, and less often the older it is', () => {
  expect([0, 10, 20, 120, 3_600].map((age) => after('queued', { age }))).toEqual([1, 1, 2, 12, 30])
  expect(after('sending', { age: 5 })).toBe(1)
})

test('a deferred message is read again when it is due, and after a minute at most', () => {
  expect([-5, 0, 7, 600].map((dueIn) => after('deferred', { dueIn }))).toEqual([1, 1, 7, 60])
})

test('a scheduled message is read again when it is due, and after an hour at most', () => {
  expect([5, 90, 86_400].map((dueIn) => after('scheduled', { dueIn }))).toEqual([5, 90, 3_600])
})

test('a sent message is read again after half a minute, later after an hour', () => {
  expect([0, 600, 86_400].map((age) => after('sent', { age }))).toEqual([30, 60, 3_600])
})

test('every status says after how long, or that it is final', () => {
  const final = recipientStatuses.filter((status) => after(status) === null)
  expect(final).toEqual(['delivered', 'failed', 'bounced', 'complained', 'suppressed', 'cancelled'])
})
