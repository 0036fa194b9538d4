import { expect, test } from 'vitest'
import { afterPause, partRates, ratePerSecond } from './rate-over-time.ts'

test('the rate is given for each whole second, without the incomplete one', () => {
  expect(ratePerSecond([...Array(10).fill(400), ...Array(10).fill(300), 5])).toEqual([
    [1, 4_000],
    [2, 3_000],
  ])
})

test('the rate of a part covers its own time range only', () => {
  const perTenth = [...Array(50).fill(400), ...Array(100).fill(200)]
  expect(partRates(perTenth, 0, 40_000, 10_000)).toEqual([4_000, 4_000, 2_000, 2_000])
  expect(partRates(perTenth, 15_000, 40_000, 10_000).map(Math.round)).toEqual([2_667, 2_000])
})

test('a pause lowers the rate', () => {
  const perTenth = [...Array(10).fill(100), ...Array(10).fill(0), ...Array(10).fill(100)]
  expect(partRates(perTenth, 500, 1_500, 1_000).map(Math.round)).toEqual([500])
})

test('only the longest pause is removed', () => {
  expect(afterPause([1, 0, 2, 0, 0, 0, 3, 0, 0, 4])).toEqual([1, 0, 2, 3, 0, 0, 4])
  expect(afterPause([1, 2])).toEqual([1, 2])
})
