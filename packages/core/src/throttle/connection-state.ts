import { classOf, type FailureCode } from '@lettergate/providers/lib/failures'
import type { SendOutcome } from '@lettergate/providers/provider'
import type { Candidate } from '../connections/index.ts'
import type { Availability } from './availability.ts'
import { noBookings } from './book-bulk.ts'
import { NO_TALLY } from './circuit-breaker.ts'
import { callsOf, isLimited, noShare } from './concurrency-lease.ts'
import type { Health } from './sql/sync-health.ts'
import { createStreamQueue } from './stream-queue.ts'
import type { CallWaiter, ConnectionState } from './types.ts'

/** Concurrency of an unknown connection, and the upper bound. */
const CONCURRENCY_FIRST = 64
const CONCURRENCY_MAX = 400
const PAUSE_MS = { min: 1_000, max: 3_600_000, unaskedMax: 60_000 }
/** Consecutive pauses of the requested length; later ones grow, because the requested length was too short. */
const ASKED_PAUSES = 5
/** Much longer than a call; a dead worker blocks the probe only this long. */
export const PROBE_LEASE_MS = 60_000
/** How soon a message checks again while a probe is in progress: no message should notice a working connection ten seconds late. */
const PROBING_MS = { min: 2_000, max: 8_000 }
const HALVE_EVERY_MS = 1_000

export const nothingPending = (): ConnectionState['pending'] => ({
  grow: 0,
  halve: false,
  pauseMs: null,
  pauseReason: null,
  unused: 0,
})

export const hasPending = ({ pending }: ConnectionState) =>
  pending.grow > 0 || pending.halve || pending.pauseMs !== null || pending.unused > 0

export function newConnectionState(
  tenantId: string,
  connectionId: string,
  candidate: Candidate,
): ConnectionState {
  return {
    tenantId,
    connectionId,
    candidate,
    known: false,
    circuit: 'closed',
    retryAt: 0,
    probeUntil: 0,
    pausedUntil: 0,
    tally: NO_TALLY,
    reported: null,
    concurrency: CONCURRENCY_FIRST,
    workers: 1,
    busy: 0,
    callMs: 200,
    bookings: noBookings(),
    waiting: createStreamQueue<CallWaiter>(),
    tails: { transactional: 0, bulk: 0 },
    pausesInARow: 0,
    halvedAt: Number.NEGATIVE_INFINITY,
    usedAt: 0,
    syncedAt: Number.NEGATIVE_INFINITY,
    askedAt: Number.NEGATIVE_INFINITY,
    pending: nothingPending(),
    share: noShare(),
  }
}

/** Concurrency of all workers: calls beyond the provider's capacity would wait inside it, fenced, while their deadline runs. */
export function concurrencyMax({ candidate: { limits, provider, connection } }: ConnectionState): number {
  const room = provider.callsMax?.(connection.settings) ?? CONCURRENCY_MAX
  return Math.max(1, Math.min(CONCURRENCY_MAX, limits?.concurrency ?? CONCURRENCY_MAX, room))
}

/** Concurrency of this worker. */
export function shareOf(state: ConnectionState, now = performance.now()): number {
  const limit = Math.min(state.concurrency, concurrencyMax(state))
  if (isLimited(state)) return Math.min(callsOf(state.share, now), Math.max(1, Math.floor(limit)))
  return Math.max(1, Math.floor(limit / state.workers))
}

/** Estimates this worker's concurrency after all workers have synced. */
export function shareToCome(state: ConnectionState): number {
  const part = Math.floor(Math.min(state.concurrency, concurrencyMax(state)) / state.workers)
  return Math.max(1, part, shareOf(state))
}

const least = (...values: (number | undefined)[]): number | null => {
  const given = values.filter((value) => value !== undefined)
  return given.length === 0 ? null : Math.min(...given)
}

/** The lower of the tenant's limits and those that the provider reported. */
export function limitsOf({ candidate: { limits }, reported }: ConnectionState): {
  rate: number | null
  perDay: number | null
} {
  return {
    rate: least(limits?.per_second, reported?.perSecond),
    perDay: least(limits?.per_day, reported?.perDay),
  }
}

/**
 * Wait while a probe is in progress: as long as the probe has run, at most its lease. A provider that does not answer is then not checked
 * all the time.
 */
function probingMs(leftMs: number): number {
  return Math.max(PROBING_MS.min, Math.min(PROBING_MS.max, PROBE_LEASE_MS - leftMs, leftMs))
}

export function availability(state: ConnectionState, now: number): Availability {
  if (state.circuit !== 'closed') {
    const { retryAt, probeUntil } = state
    if (now >= retryAt && now >= probeUntil) return { kind: 'probe' }
    const forMs = now < retryAt ? retryAt - now : probingMs(probeUntil - now)
    return { kind: 'blocked', why: 'circuit', forMs }
  }
  if (state.pausedUntil > now) return { kind: 'blocked', why: 'paused', forMs: state.pausedUntil - now }
  return { kind: 'ready' }
}

/** Applies the shared health of a connection; null: no row, so the connection is healthy. */
export function apply(state: ConnectionState, health: Health | null, now: number): void {
  state.known = true
  state.circuit = health?.state ?? 'closed'
  state.retryAt = now + (health?.retryInMs ?? 0)
  state.probeUntil = now + (health?.probeForMs ?? 0)
  state.pausedUntil = now + Math.max(health?.pausedForMs ?? 0, state.pending.pauseMs ?? 0)
  state.concurrency = health?.concurrency ?? CONCURRENCY_FIRST
  state.workers = Math.max(1, health?.workers ?? 1)
  // A recreated row has no limits until the next poll of the provider, which is then due.
  state.reported = health?.reported ?? state.reported
  if (health) state.askedAt = now - (health.askedMsAgo ?? Number.POSITIVE_INFINITY)
  if (state.circuit !== 'closed') state.tally = NO_TALLY
}

/** How long an outcome pauses the connection; null: not at all. */
function pauseOf(state: ConnectionState, outcome: SendOutcome): number | null {
  if (outcome.kind === 'accepted') return outcome.pauseMs ?? null
  const { connection, waitMs } = classOf(outcome.code)
  if (connection !== 'slows') return null
  const asked = outcome.kind === 'deferred' ? outcome.retryAfterMs : undefined
  const wanted = asked ?? waitMs
  const unheeded = state.pausesInARow - (wanted === undefined ? 0 : ASKED_PAUSES)
  const rising = unheeded > 0 ? PAUSE_MS.min * 2 ** Math.min(10, unheeded - 1) : PAUSE_MS.min
  return Math.min(PAUSE_MS.max, Math.max(wanted ?? 0, Math.min(PAUSE_MS.unaskedMax, rising)))
}

/** Whether lower concurrency may help: the provider asks to slow down, or there was no answer or no connection in time. */
function isTooMuch(outcome: SendOutcome): boolean {
  if (outcome.kind === 'accepted') return false
  const { code } = outcome
  return classOf(code).connection === 'slows' || outcome.kind === 'unknown' || code === 'provider-unreachable'
}

/**
 * Adapts the connection to the outcome of a call: concurrency grows by 1/N and is halved at most once a second (AIMD); pauses are as
 * requested. Concurrency grows only while a quarter of it is in use: single calls prove nothing about hundreds, and would have the row
 * written four times a second.
 */
export function learn(state: ConnectionState, outcome: SendOutcome, callMs: number, now: number): void {
  state.callMs += (callMs - state.callMs) / 8
  const slows = outcome.kind !== 'accepted' && classOf(outcome.code).connection === 'slows'
  // Calls in progress together are refused together and cause one pause.
  if (!slows) state.pausesInARow = 0
  else if (now >= state.pausedUntil) state.pausesInARow += 1
  const pauseMs = pauseOf(state, outcome)
  if (pauseMs !== null && now + pauseMs > state.pausedUntil) {
    state.pausedUntil = now + pauseMs
    state.pending.pauseMs = Math.max(pauseMs, state.pending.pauseMs ?? 0)
    state.pending.pauseReason = outcome.kind === 'accepted' ? 'its rate is used up' : outcome.reason
  }
  if (isTooMuch(outcome)) {
    if (now - state.halvedAt < HALVE_EVERY_MS) return
    state.halvedAt = now
    state.concurrency = Math.max(1, Math.min(state.concurrency, concurrencyMax(state)) / 2)
    state.pending.halve = true
  } else if (
    outcome.kind === 'accepted' &&
    state.concurrency < concurrencyMax(state) &&
    state.busy >= shareOf(state) / 4
  ) {
    const grown = Math.min(1 / state.concurrency, concurrencyMax(state) - state.concurrency)
    state.concurrency += grown
    state.pending.grow += grown
  }
}

/** Whether the call reached the provider; otherwise it counts as not made. */
export function wasAsked(outcome: SendOutcome): boolean {
  return outcome.kind === 'accepted' || classOf(outcome.code).connection !== 'not-attempted'
}

/** Whether a failure counts towards opening the circuit of the connection. */
export function fails(code: FailureCode): boolean {
  return classOf(code).connection === 'fails'
}
