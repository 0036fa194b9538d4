import fc from 'fast-check'
import { expect, test } from 'vitest'
import { toReportedLimits } from './account-limits.ts'

test('plausible limits are kept as reported', () => {
  expect(toReportedLimits({ perSecond: 14, perDay: 50_000, usedToday: 7 })).toEqual({
    perSecond: 14,
    perDay: 50_000,
    used: 7,
  })
  expect(toReportedLimits({ perSecond: 0.5 })).toEqual({ perSecond: 0.5 })
  expect(toReportedLimits({ perDay: 200.9, usedToday: 0 })).toEqual({ perDay: 200, used: 0 })
})

test('an account without limits differs from one that reports nothing', () => {
  expect(toReportedLimits({})).toEqual({})
  expect(toReportedLimits(undefined)).toBeNull()
})

test.each([
  [{ perSecond: 0, perDay: 200 }],
  [{ perSecond: -14 }],
  [{ perSecond: Number.NaN }],
  [{ perSecond: Number.POSITIVE_INFINITY }],
  [{ perSecond: 1e-300 }],
  [{ perSecond: 14, perDay: 0 }],
  [{ perSecond: 14, perDay: -1 }],
  [{ perSecond: 14, perDay: 50_000, usedToday: -1 }],
])('limits that cannot be applied are ignored: %j', (limits) => {
  expect(toReportedLimits(limits)).toBeNull()
})

test('the kept limits are numbers in range, for any answer of a provider', () => {
  const number = fc.option(fc.double(), { nil: undefined })
  fc.assert(
    fc.property(fc.record({ perSecond: number, perDay: number, usedToday: number }), (limits) => {
      const { perSecond = 1, perDay = 1, used = 0 } = toReportedLimits(limits) ?? {}
      expect(perSecond).toBeGreaterThanOrEqual(0.001)
      expect(perSecond).toBeLessThanOrEqual(100_000)
      for (const whole of [perDay, used]) {
        expect(Number.isInteger(whole)).toBe(true)
        expect(whole).toBeGreaterThanOrEqual(0)
        expect(whole).toBeLessThanOrEqual(1_000_000_000)
      }
    }),
  )
})
