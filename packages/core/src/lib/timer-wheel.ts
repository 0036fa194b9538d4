import { inSlices } from './take-turns.ts'

export type TimerWheel = {
  /** Calls `act` after `ms`, up to a tenth of a second late; the answer cancels it. */
  after(ms: number, act: () => void): () => void
  stop(): void
}

const TICK_MS = 100

/**
 * Timers of thousands of waiting requests. Timers of Node that end together would all run before anything else; these run in slices.
 */
export function createTimerWheel(): TimerWheel {
  const slots = new Map<number, Set<() => void>>()
  let timer: NodeJS.Timeout | null = null
  let turned = 0

  const tickOf = (ms: number) => Math.ceil(ms / TICK_MS)

  async function ring(slot: Set<() => void>): Promise<void> {
    await inSlices(slot, (act) => {
      // One that was cancelled meanwhile is not in the set any more.
      slot.delete(act)
      act()
    })
  }

  function turn(): void {
    const now = Math.floor(performance.now() / TICK_MS)
    for (; turned < now; turned++) {
      const slot = slots.get(turned + 1)
      slots.delete(turned + 1)
      if (slot) void ring(slot)
    }
    if (slots.size === 0) stop()
  }

  function stop(): void {
    if (timer) clearInterval(timer)
    timer = null
  }

  return {
    after(ms, act) {
      if (!timer) {
        turned = Math.floor(performance.now() / TICK_MS)
        timer = setInterval(turn, TICK_MS)
        timer.unref()
      }
      const tick = Math.max(turned + 1, tickOf(performance.now() + ms))
      const slot = slots.get(tick) ?? new Set()
      slots.set(tick, slot.add(act))
      return () => {
        slot.delete(act)
      }
    },
    stop,
  }
}
