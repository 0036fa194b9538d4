import type { Io } from '@lettergate/providers/provider'
import { ANSWER_DEADLINE_MS, BEGIN_DEADLINE_MS, CALL_DEADLINE_MS } from './leases.ts'

export type Deadlines = Pick<Io, 'beginSignal' | 'signal' | 'answerSignal'> & {
  /** All of them pass at once. */
  abort(reason: Error): void
  /** None of them passes by itself any more. */
  clear(): void
}

/** The deadlines of a call that begins now, of a message that was fenced at that time of `performance.now()`. */
export function startDeadlines(fencedAt: number): Deadlines {
  // The lease runs from the fence: whatever was lost since then is taken from the answer.
  const answerMs = ANSWER_DEADLINE_MS - (performance.now() - fencedAt)
  const begin = startOne(BEGIN_DEADLINE_MS)
  const call = startOne(CALL_DEADLINE_MS)
  const answer = startOne(Math.max(CALL_DEADLINE_MS, answerMs))
  const all = [begin, call, answer]
  return {
    beginSignal: begin.controller.signal,
    signal: call.controller.signal,
    answerSignal: answer.controller.signal,
    abort: (reason) => {
      for (const { controller } of all) controller.abort(reason)
    },
    clear: () => {
      for (const { timer } of all) clearTimeout(timer)
    },
  }
}

function startOne(ms: number) {
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(new Error('the call took too long')), ms)
  return { controller, timer }
}
