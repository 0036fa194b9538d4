const MINUTE = 60_000
const HOUR = 60 * MINUTE

/** Dense at first, since most deferrals are greylisting and short outages; then every four hours, until the retry limit of the tenant. */
const DELAYS_MS = [1 * MINUTE, 2 * MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE, 1 * HOUR, 2 * HOUR, 4 * HOUR]
const JITTER = 0.2

/** The wait after attempt number `attempt` (from 1), ±20 %, so that messages deferred together do not return together. */
export function retryDelayMs(attempt: number, random: () => number = Math.random): number {
  const base = DELAYS_MS[Math.min(Math.max(attempt, 1), DELAYS_MS.length) - 1] ?? 4 * HOUR
  return Math.round(base * (1 - JITTER + 2 * JITTER * random()))
}

/** Attempts that keep a short requested wait; a provider that repeats it more often asks for too little. */
const ASKED_TRIES = 5
const SPREAD_MS = 30_000

/** Adds proportional jitter, so that messages deferred together do not return together. */
export function atLeastMs(ms: number, random: () => number = Math.random): number {
  return Math.round(ms + random() * Math.min(ms / 4, SPREAD_MS))
}

/** Keeps the wait that a provider requested; from the sixth attempt on, the usual backoff applies where it is longer. */
export function askedDelayMs(askedMs: number, attempt: number, random: () => number = Math.random): number {
  const asked = atLeastMs(askedMs, random)
  return attempt <= ASKED_TRIES ? asked : Math.max(asked, retryDelayMs(attempt - ASKED_TRIES, random))
}
