const MINUTE = 60_000
const HOUR = 60 * MINUTE

/** Dense at first, since most deferrals are greylisting and short outages; then every four hours, until the retry limit of the tenant. */
const DELAYS_MS = [1 * MINUTE, 2 * MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE, 1 * HOUR, 2 * HOUR, 4 * HOUR]
const JITTER = 0.2

/** The wait after the `attempt`-th try (from 1), ±20 % so that messages deferred together do not come back together. */
export function retryDelayMs(attempt: number, random: () => number = Math.random): number {
  const base = DELAYS_MS[Math.min(Math.max(attempt, 1), DELAYS_MS.length) - 1] ?? 4 * HOUR
  return Math.round(base * (1 - JITTER + 2 * JITTER * random()))
}

/** Tries that keep a short wait: a provider that repeats it more often is mistaken about it. */
const ASKED_TRIES = 5
const SPREAD_MS = 30_000

/** Adds jitter in proportion to a wait, so that messages that wait for one moment do not come back together. */
export function atLeastMs(ms: number, random: () => number = Math.random): number {
  return Math.round(ms + random() * Math.min(ms / 4, SPREAD_MS))
}

/** Keeps a wait that a provider asked for; from the sixth try on, the usual steps begin where they are longer. */
export function askedDelayMs(askedMs: number, attempt: number, random: () => number = Math.random): number {
  const asked = atLeastMs(askedMs, random)
  return attempt <= ASKED_TRIES ? asked : Math.max(asked, retryDelayMs(attempt - ASKED_TRIES, random))
}

/** The reason of a recipient that is given up at the retry limit of its tenant. */
export function gaveUp(retryHours: number, reason: string | null): string {
  return `gave up after ${retryHours} ${retryHours === 1 ? 'hour' : 'hours'}: ${reason}`
}
