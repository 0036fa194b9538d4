import { expect, test } from 'vitest'
import { earlyOf, recoveryMsMax, trendsOf } from './soak-verdict.ts'

test.each([
  ['Lettergate itself was hit', 0, 30_000],
  ['what it depends on was away for so short that 30 s are enough for what piled up', 15_000, 30_000],
  ['Postgres took longer than that for its own log', 31_000, 62_000],
])('a recovery may take 30 s, and longer only for the backlog of the fault: %s', (_, awayMs, mostMs) => {
  expect(recoveryMsMax({ awayMs })).toBe(mostMs)
})

test.each([
  ['by more than the clock was set back', 105, 40, 1],
  ['while the clock was set back by more', 105, 120, 0],
  ['and the clock was not set', 1, 0, 1],
])('scheduled mail is early when the provider accepts it before its time %s', (_, ms, clockBackMs, count) => {
  expect(earlyOf({ verdict: { early: [{ id: 'msg_1', ms }] }, clockBackMs })).toHaveLength(count)
})

test('only a clock that jumps back counts, not a clock that drifts', () => {
  const waiting = { queueAgeMs: 0, due: 0, requestAgeMs: 0 }
  const sample = { ...waiting, quiet: true, rate: 1, cpu: 0.5, stolen: 0.1, memory: {}, eventLoop: {} }
  const at = (clocks: number[]) => clocks.map((clockMs, second) => ({ ...sample, at: second, clockMs }))
  expect(trendsOf(at([0, 0.2, 0.4, 0.6])).clockBackMs).toBe(0)
  expect(trendsOf(at([0, 300, 195, 195])).clockBackMs).toBe(105)
})
