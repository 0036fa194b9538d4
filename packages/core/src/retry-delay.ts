const MINUTE = 60_000
const HOUR = 60 * MINUTE

/** Dense at first, since most deferrals are greylisting and short outages; then every four hours, up to 72 h in all. */
const DELAYS_MS = [1 * MINUTE, 2 * MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE, 1 * HOUR, 2 * HOUR, 4 * HOUR]
const JITTER = 0.2

/** The wait after the `attempt`-th try (from 1), ±20 % so that messages deferred together do not come back together. */
export function retryDelayMs(attempt: number, random: () => number = Math.random): number {
  const base = DELAYS_MS[Math.min(Math.max(attempt, 1), DELAYS_MS.length) - 1] ?? 4 * HOUR
  return Math.round(base * (1 - JITTER + 2 * JITTER * random()))
}
