import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { SENDING_LEASE_MS } from '../lib/index.ts'
import { startDeadlines } from './call-deadlines.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }))
afterEach(() => void vi.useRealTimers())

/** Which of its deadlines have passed at this time after the start of the call. */
function passed({ beginSignal, signal, answerSignal }: ReturnType<typeof startDeadlines>) {
  return { begin: beginSignal.aborted, call: signal.aborted, answer: answerSignal.aborted }
}

test('a call must begin by 15 s, be sent by 25 s, and have its answer by 50 s after the fence', () => {
  const deadlines = startDeadlines(performance.now())
  vi.advanceTimersByTime(14_999)
  expect(passed(deadlines)).toEqual({ begin: false, call: false, answer: false })
  vi.advanceTimersByTime(1)
  expect(passed(deadlines)).toEqual({ begin: true, call: false, answer: false })
  vi.advanceTimersByTime(10_000)
  expect(passed(deadlines)).toEqual({ begin: true, call: true, answer: false })
  vi.advanceTimersByTime(25_000)
  expect(passed(deadlines)).toEqual({ begin: true, call: true, answer: true })
})

test('every call that begins after its fence has its answer before the lease ends', () => {
  for (let lateMs = 0; lateMs <= SENDING_LEASE_MS / 2; lateMs += 5_000) {
    const deadlines = startDeadlines(performance.now() - lateMs)
    vi.advanceTimersByTime(SENDING_LEASE_MS - lateMs - 5_000)
    expect(passed(deadlines)).toEqual({ begin: true, call: true, answer: true })
  }
})

test('a stopping worker ends all deadlines of a call immediately, and a finished call is not affected', () => {
  const stopped = startDeadlines(performance.now())
  stopped.abort(new Error('the worker stops'))
  expect(passed(stopped)).toEqual({ begin: true, call: true, answer: true })
  const ended = startDeadlines(performance.now())
  ended.clear()
  vi.advanceTimersByTime(SENDING_LEASE_MS)
  expect(passed(ended)).toEqual({ begin: false, call: false, answer: false })
})
