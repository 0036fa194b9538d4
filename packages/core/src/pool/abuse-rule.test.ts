import type { PoolSettings } from '@lettergate/contracts/pool/pool'
import { expect, it, test } from 'vitest'
import { type Figures, judgeAbuse, lowerBound } from './abuse-rule.ts'

const rule: PoolSettings = {
  default_from: null,
  held_share: 0.8,
  window_days: 7,
  recipients_min: 50,
  bounces_min: 5,
  complaints_min: 3,
  bounces_warn: 0.05,
  bounces_pause: 0.1,
  complaints_warn: 0.001,
  complaints_pause: 0.003,
  new_bounces: 25,
  new_complaints: 5,
  ramp_from: null,
}
const figures = (change: Partial<Figures>): Figures => ({
  handed: 0,
  bounced: 0,
  complained: 0,
  lastDay: { bounced: 0, complained: 0 },
  isNew: false,
  ...change,
})
const judge = (change: Partial<Figures>) => judgeAbuse(figures(change), rule).state

it.each([
  [50, 9],
  [100, 15],
  [200, 27],
  [1_000, 116],
  [5_000, 535],
])('of %i recipients, %i bounces pause the pool and one less does not', (handed, bounced) => {
  expect(judge({ handed, bounced })).toBe('paused')
  expect(judge({ handed, bounced: bounced - 1 })).not.toBe('paused')
})

it.each([
  [500, 4],
  [1_000, 6],
  [5_000, 22],
])('of %i recipients, %i complaints pause the pool and one less does not', (handed, complained) => {
  expect(judge({ handed, complained })).toBe('paused')
  expect(judge({ handed, complained: complained - 1 })).not.toBe('paused')
})

it.each([
  ['49 recipients', { handed: 49, bounced: 49 }],
  ['four bounces', { handed: 50, bounced: 4 }],
  ['two complaints', { handed: 60, complained: 2 }],
])('%s are too few to judge by', (_, change) => {
  expect(judge(change)).toBe('ok')
})

test('a new tenant is stopped by 25 bounces or 5 complaints in a day, whatever it sent; an older one is not', () => {
  const lastDay = { bounced: 25, complained: 0 }
  expect(judge({ handed: 10_000, isNew: true, lastDay })).toBe('paused')
  expect(judge({ handed: 10_000, isNew: false, lastDay })).toBe('ok')
  expect(judge({ handed: 10_000, isNew: true, lastDay: { bounced: 0, complained: 5 } })).toBe('paused')
})

test('the reason has the numbers and the limit', () => {
  const verdict = judgeAbuse(figures({ handed: 100, bounced: 15 }), rule)
  expect(verdict).toEqual({ state: 'paused', why: '15 of 100 recipients bounced; the limit is 10 %' })
})

/** The same draws for the same seed (Mulberry32). */
function drawsFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** The share of lives of 5,000 recipients that are paused, looked at after every 25. */
function pausedLives(of: 'bounced' | 'complained', share: number, lives: number): number {
  const draw = drawsFrom(18)
  let paused = 0
  for (let life = 0; life < lives; life++) {
    let count = 0
    for (let handed = 1; handed <= 5_000; handed++) {
      if (draw() < share) count++
      if (handed % 25 === 0 && judge({ handed, [of]: count }) === 'paused') {
        paused++
        break
      }
    }
  }
  return paused / lives
}

test('an honest 8 % of bounces is rarely stopped, 15 % always; an honest 0.1 % of complaints hardly ever, 1 % nearly always', () => {
  expect(pausedLives('bounced', 0.08, 400)).toBeLessThan(0.08)
  expect(pausedLives('bounced', 0.15, 200)).toBe(1)
  expect(pausedLives('complained', 0.001, 400)).toBeLessThan(0.03)
  expect(pausedLives('complained', 0.01, 200)).toBeGreaterThan(0.97)
})

test('the bound never exceeds the share, grows with the count, and nears the share with more recipients', () => {
  for (const of of [1, 7, 50, 333, 5_000]) {
    let before = -1
    for (let count = 0; count <= of; count += Math.max(1, Math.floor(of / 20))) {
      const bound = lowerBound(count, of, 1.64)
      expect(bound).toBeLessThanOrEqual(count / of)
      expect(bound).toBeGreaterThanOrEqual(before)
      expect(lowerBound(count * 100, of * 100, 1.64)).toBeGreaterThanOrEqual(bound)
      before = bound
    }
  }
})
