import { expect, test } from 'vitest'
import { oldestMoment, visibleAt } from './feed-moment.ts'

const moment = (snapshot: string, base = 0) => ({ snapshot, base, atMs: 0 })
const visibleOf = (snapshot: string, base = 0) =>
  [4, 5, 6, 7, 8].filter((pos) => visibleAt(moment(snapshot, base))(pos + base))

test('what began before xmax is visible, except what was under way', () => {
  expect(visibleOf('5:7:5')).toEqual([4, 6])
  expect(visibleOf('7:7:')).toEqual([4, 5, 6])
  expect(visibleOf('5:8:5,7')).toEqual([4, 6])
})

test('after a restore, rows count from its base on', () => {
  expect(visibleOf('5:7:5', 1_000)).toEqual([4, 6])
  expect(visibleAt(moment('5:7:5'))(1_004)).toBe(false)
})

test('of two moments the older one sees less', () => {
  const [first, second, third] = [moment('5:7:5,6'), moment('6:7:6'), moment('6:9:6')]
  for (const order of [
    [first, second, third],
    [third, second, first],
    [second, first, third],
  ] as const) {
    expect(oldestMoment([...order])).toBe(first)
  }
  expect(oldestMoment([moment('9:9:', 5), first])).toBe(first)
})
