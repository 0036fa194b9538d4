const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/**
 * The wait before each attempt at an event: ten attempts over 84 hours, and at least 75 with the jitter.
 * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#deliverability-and-reliability
 */
const DELAYS_MS = [
  0,
  5 * SECOND,
  5 * MINUTE,
  30 * MINUTE,
  2 * HOUR,
  5 * HOUR,
  10 * HOUR,
  16 * HOUR,
  24 * HOUR,
  27 * HOUR,
]
const JITTER = 0.1
/** A receiver may ask for a longer wait, but not for ever. */
const ASKED_MS_MAX = DAY
/** So many failures in a row, without a success, pause the endpoint. */
export const FAILURES_BEFORE_PAUSE = 3
/** An endpoint without a success for this long is disabled. */
export const FAILING_MS_MAX = 5 * DAY

const jittered = (ms: number, random: () => number) => Math.round(ms * (1 - JITTER + 2 * JITTER * random()))

/** Milliseconds that a receiver asks to wait: seconds or an HTTP date (RFC 9110 §10.2.3); null: nothing that can be read. */
export function retryAfterMs(field: string | null, now: number): number | null {
  if (field === null || field.length > 100) return null
  const ms = /^\d+$/.test(field) ? Number(field) * SECOND : Date.parse(field) - now
  return Number.isFinite(ms) && ms > 0 ? Math.min(ms, ASKED_MS_MAX) : null
}

/** The wait after attempt `number` (from 1); null: it was the last. */
export function nextDelayMs(
  number: number,
  askedMs: number | null,
  random: () => number = Math.random,
): number | null {
  const delay = DELAYS_MS[number]
  return delay === undefined ? null : Math.max(jittered(delay, random), askedMs ?? 0)
}

/**
 * Failures to add to those in a row. Concurrent calls fail together when a receiver restarts: they reach the first pause, never a later one.
 */
export function countedFailures(before: number, failed: number): number {
  return Math.min(failed, Math.max(FAILURES_BEFORE_PAUSE - before, 1))
}

/** How long an endpoint is left alone after this many failures in a row; null: it goes on. */
export function pauseMs(failures: number, random: () => number = Math.random): number | null {
  if (failures < FAILURES_BEFORE_PAUSE) return null
  const index = Math.min(failures - FAILURES_BEFORE_PAUSE + 1, DELAYS_MS.length - 1)
  return jittered(DELAYS_MS[index] ?? 0, random)
}

/** The same for an endpoint whose last failure asked for a wait, which it gets for all of its events. */
export function endpointPauseMs(failures: number, retryAfter: string | null, now: number): number | null {
  const ms = Math.max(pauseMs(failures) ?? 0, retryAfterMs(retryAfter, now) ?? 0)
  return ms > 0 ? ms : null
}
