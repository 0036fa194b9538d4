/** Wrong keys that one address may try per window; a program with a stale key reaches that, a person does not. */
const WRONG_MAX = 100
const WINDOW_MS = 60_000
/** Addresses remembered at once; beyond that, all are forgotten rather than letting memory grow. */
const ADDRESSES_MAX = 50_000

export type WrongKeys = {
  /** Counts one wrong key; answers the seconds to wait once there were too many, else 0. */
  count(address: string): number
}

/**
 * Limits guesses per address. Only the failures of an address are slowed: a valid key from behind the same
 * address keeps working, so one broken client cannot shut out its neighbours.
 */
export function createWrongKeys(now: () => number = () => performance.now()): WrongKeys {
  let counts = new Map<string, number>()
  let windowEnd = now() + WINDOW_MS
  return {
    count(address) {
      const time = now()
      if (time >= windowEnd || counts.size >= ADDRESSES_MAX) {
        counts = new Map()
        windowEnd = time + WINDOW_MS
      }
      const count = (counts.get(address) ?? 0) + 1
      counts.set(address, count)
      return count > WRONG_MAX ? Math.ceil((windowEnd - time) / 1000) : 0
    },
  }
}
