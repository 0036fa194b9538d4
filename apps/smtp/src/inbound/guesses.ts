/** Unknown recipients by the network that named them: who tries many looks for addresses to send spam to. */
export type Guesses = { count(holder: string): void; isMany(holder: string): boolean }

const WINDOW_MS = 600_000
const HOLDERS_MAX = 50_000

export function createGuesses(max: number, now: () => number = Date.now): Guesses {
  const counts = new Map<string, { count: number; until: number }>()

  function current(holder: string): { count: number; until: number } | undefined {
    const own = counts.get(holder)
    if (own && own.until > now()) return own
    counts.delete(holder)
    return undefined
  }

  return {
    count(holder) {
      const own = current(holder)
      if (own) own.count += 1
      else {
        // The oldest goes: a full table must neither grow nor stop counting.
        const [oldest] = counts.keys()
        if (counts.size >= HOLDERS_MAX && oldest !== undefined) counts.delete(oldest)
        counts.set(holder, { count: 1, until: now() + WINDOW_MS })
      }
    },
    isMany: (holder) => (current(holder)?.count ?? 0) >= max,
  }
}
