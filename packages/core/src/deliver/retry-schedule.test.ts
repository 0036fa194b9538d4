import fc from 'fast-check'
import { expect, test } from 'vitest'
import { retryDelayMs } from './retry-schedule.ts'

test('waits grow with the attempts and never exceed five hours', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1_000 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (attempt, random) => {
        const delay = retryDelayMs(attempt, () => random)
        expect(delay).toBeGreaterThanOrEqual(48_000)
        expect(delay).toBeLessThanOrEqual(4.8 * 3_600_000)
        expect(retryDelayMs(attempt + 1, () => random)).toBeGreaterThanOrEqual(delay)
      },
    ),
  )
})

test('messages deferred together are not retried together', () => {
  expect(retryDelayMs(1, () => 0)).toBeLessThan(retryDelayMs(1, () => 0.99))
})
