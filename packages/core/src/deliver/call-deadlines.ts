import type { Io } from '@lettergate/providers/provider'
import { ANSWER_DEADLINE_MS, BEGIN_DEADLINE_MS, CALL_DEADLINE_MS } from '../lib/index.ts'

export type Deadlines = Pick<Io, 'beginSignal' | 'signal' | 'answerSignal'> & {
  /** Expires all deadlines. */
  abort(reason: Error): void
  /** Stops all timers. */
  clear(): void
}

type Deadline = { controller: AbortController; timer: NodeJS.Timeout | undefined }

/**
 * Starts the deadlines of a call whose message was fenced at `fencedAt` (of `performance.now()`). Each is created at first use: most calls
 * need one of the three, and each costs a timer and a signal.
 */
export function startDeadlines(fencedAt: number): Deadlines {
  const startedAt = performance.now()
  // The lease runs from the fence: the time since then shortens the deadline of the answer.
  const answerMs = Math.max(CALL_DEADLINE_MS, ANSWER_DEADLINE_MS - (startedAt - fencedAt))
  const started = new Map<number, Deadline>()
  let aborted: Error | null = null
  let hasEnded = false

  function signalOf(ms: number): AbortSignal {
    const known = started.get(ms)
    if (known) return known.controller.signal
    const controller = new AbortController()
    const leftMs = ms - (performance.now() - startedAt)
    const pass = () => controller.abort(new Error('the call took too long'))
    if (aborted) controller.abort(aborted)
    else if (!hasEnded && leftMs <= 0) pass()
    started.set(ms, { controller, timer: hasEnded ? undefined : setTimeout(pass, leftMs) })
    return controller.signal
  }

  return {
    get beginSignal() {
      return signalOf(BEGIN_DEADLINE_MS)
    },
    get signal() {
      return signalOf(CALL_DEADLINE_MS)
    },
    get answerSignal() {
      return signalOf(answerMs)
    },
    abort(reason) {
      aborted = reason
      for (const { controller } of started.values()) controller.abort(reason)
    },
    clear() {
      hasEnded = true
      for (const { timer } of started.values()) clearTimeout(timer)
    },
  }
}
