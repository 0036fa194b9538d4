/** Names kept in memory; beyond this number all are dropped, so that memory stays bounded. */
const NAMES_MAX = 50_000

export type CountWindow = {
  /** Counts one for this name; answers the seconds to wait once there were too many, else 0. */
  take(name: string): number
  /** The seconds that this name has to wait now; counts nothing. */
  waitSeconds(name: string): number
}

/** Counts up to a limit for each name in a window of time, in this process only. */
export function createCountWindow(options: {
  max: number
  windowMs: number
  /** Milliseconds of a clock that never goes back. */
  now?: () => number
}): CountWindow {
  const { max, windowMs, now = () => performance.now() } = options
  let counts = new Map<string, number>()
  let windowEnd = now() + windowMs
  return {
    take(name) {
      const time = now()
      if (time >= windowEnd || counts.size >= NAMES_MAX) {
        counts = new Map()
        windowEnd = time + windowMs
      }
      const count = (counts.get(name) ?? 0) + 1
      counts.set(name, count)
      return count > max ? Math.ceil((windowEnd - time) / 1000) : 0
    },
    waitSeconds(name) {
      const time = now()
      if (time >= windowEnd || (counts.get(name) ?? 0) < max) return 0
      return Math.ceil((windowEnd - time) / 1000)
    },
  }
}
