import { expect, test } from 'vitest'
import { countedFailures, endpointPauseMs, nextDelayMs, pauseMs, retryAfterMs } from './delivery-schedule.ts'

const HOUR = 3_600_000

test('an event has ten attempts, over at least 75 hours even with the shortest waits', () => {
  const waits = Array.from({ length: 9 }, (_, index) => nextDelayMs(index + 1, null, () => 0) ?? 0)
  expect(waits.reduce((sum, ms) => sum + ms, 0)).toBeGreaterThanOrEqual(75 * HOUR)
  expect(nextDelayMs(10, null)).toBe(null)
})

test('a receiver that asks for a longer wait gets it, up to a day', () => {
  expect(nextDelayMs(1, retryAfterMs('120', 0))).toBe(120_000)
  for (const long of ['999999', '99999999999999']) expect(retryAfterMs(long, 0)).toBe(24 * HOUR)
  expect(retryAfterMs('Thu, 01 Jan 1970 00:01:00 GMT', 0)).toBe(60_000)
  for (const odd of [null, '', '-1', 'soon', '0']) expect(retryAfterMs(odd, Date.now())).toBe(null)
})

test('failures of concurrent calls lead to the first pause; each probe that fails, to the next', () => {
  expect(countedFailures(0, 2)).toBe(2)
  expect(countedFailures(0, 8)).toBe(3)
  expect(countedFailures(3, 1)).toBe(1)
  expect(countedFailures(4, 8)).toBe(1)
  expect(pauseMs(3, () => 0.5)).toBe(5_000)
  expect(pauseMs(4, () => 0.5)).toBe(300_000)
  expect(endpointPauseMs(1, null, 0)).toBe(null)
  expect(endpointPauseMs(1, '60', 0)).toBe(60_000)
  expect(endpointPauseMs(4, '60', 0)).toBeGreaterThan(200_000)
})
