import { expect, test } from 'vitest'
import { walkUntilDone } from './walk-pages.ts'

/** Places with something to find, of which one stride over two of them takes two of each. */
function field(...left: number[]) {
  let strides = 0
  return {
    left,
    strides: () => strides,
    async stride(after: number) {
      strides++
      const places = [after, after + 1].filter((place) => place < left.length)
      const taken = places.map((place) => Math.min(2, left[place] ?? 0))
      for (const [index, place] of places.entries()) left[place] = (left[place] ?? 0) - (taken[index] ?? 0)
      return { count: taken.reduce((sum, n) => sum + n, 0), next: after + 2 < left.length ? after + 2 : null }
    },
  }
}

test('the walk visits every place, and places with remaining rows again, until nothing is left', async () => {
  const { stride, left } = field(1, 0, 7, 0, 0, 3)
  expect(await walkUntilDone(0, stride)).toBe(11)
  expect(left).toEqual([0, 0, 0, 0, 0, 0])
})

test('a walk over empty places visits each once', async () => {
  const { stride, strides } = field(0, 0, 0, 0)
  expect(await walkUntilDone(0, stride)).toBe(0)
  expect(strides()).toBe(2)
})

test('a walk that is stopped ends after the current step', async () => {
  const { stride, strides } = field(...Array<number>(100).fill(9))
  expect(await walkUntilDone(0, stride, () => strides() === 3)).toBe(12)
})
