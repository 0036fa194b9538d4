import { setImmediate } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createTimerWheel } from './timer-wheel.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] })
})
afterEach(() => {
  vi.useRealTimers()
})

test('each timer rings once, not before its time and a tenth of a second after it at most', () => {
  const wheel = createTimerWheel()
  const rung: number[] = []
  for (const ms of [0, 50, 100, 950, 60_000]) wheel.after(ms, () => rung.push(ms))
  vi.advanceTimersByTime(50)
  expect(rung).not.toContain(100)
  vi.advanceTimersByTime(200)
  expect(rung.sort((a, b) => a - b)).toEqual([0, 50, 100])
  vi.advanceTimersByTime(650)
  expect(rung).not.toContain(950)
  vi.advanceTimersByTime(200)
  expect(rung).toContain(950)
  vi.advanceTimersByTime(58_850)
  expect(rung).not.toContain(60_000)
  vi.advanceTimersByTime(300)
  expect(rung).toHaveLength(5)
})

test('a cancelled timer does not ring, not even when an earlier one of the same moment cancels it', () => {
  const wheel = createTimerWheel()
  const rung: string[] = []
  const cancels: (() => void)[] = []
  wheel.after(10, () => {
    rung.push('first')
    for (const cancel of cancels) cancel()
  })
  cancels.push(
    wheel.after(10, () => rung.push('second')),
    wheel.after(5_000, () => rung.push('third')),
  )
  vi.advanceTimersByTime(10_000)
  expect(rung).toEqual(['first'])
})

test('thousands that end together let other work in between', async () => {
  const wheel = createTimerWheel()
  let rung = 0
  for (let i = 0; i < 1_000; i++) wheel.after(10, () => rung++)
  vi.advanceTimersByTime(200)
  expect(rung).toBeLessThan(1_000)
  while (rung < 1_000) await setImmediate()
})

test('after all have rung, it goes on with later ones', () => {
  const wheel = createTimerWheel()
  const rung: string[] = []
  wheel.after(10, () => rung.push('first'))
  vi.advanceTimersByTime(1_000)
  wheel.after(10, () => rung.push('second'))
  vi.advanceTimersByTime(1_000)
  expect(rung).toEqual(['first', 'second'])
  wheel.stop()
})
