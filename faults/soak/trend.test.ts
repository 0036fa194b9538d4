import { expect, test } from 'vitest'
import { type Point, slopeOf, trendOf } from './trend.ts'

const every = (count: number, valueAt: (index: number) => number): Point[] =>
  Array.from({ length: count }, (_, index) => ({ at: index * 5, value: valueAt(index) }))

test('a leak is reported as growth over the observed time', () => {
  const trend = trendOf(
    every(101, (index) => 100 + index),
    60,
  )
  expect(trend?.growth).toBeCloseTo(100)
  expect(trend?.start).toBeLessThan(trend?.end ?? 0)
})

test('peaks and restarts add no trend beyond their own height', () => {
  const sawtooth = every(120, (index) => 200 + (index % 20) + (index % 37 === 0 ? 500 : 0))
  expect(Math.abs(slopeOf(sawtooth) * 600)).toBeLessThan(20)
})

test('a time too short to judge has no trend', () => {
  expect(
    trendOf(
      every(5, (index) => index),
      60,
    ),
  ).toBeNull()
  expect(trendOf([], 60)).toBeNull()
})
