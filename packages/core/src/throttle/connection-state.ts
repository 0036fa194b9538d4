import { classOf, type FailureCode } from '@lettergate/providers/lib/failures'
import type { SendOutcome } from '@lettergate/providers/provider'
import type { Candidate } from '../connections/index.ts'
import type { Availability } from './availability.ts'
import { noBookings } from './book-bulk.ts'
import { NO_TALLY } from './circuit-breaker.ts'
import { callsOf, isLimited, noShare } from './concurrency-lease.ts'
import type { CallWaiter, ConnectionState } from './local-state.ts'
import type { Health } from './sql/sync-health.ts'
import { createStreamQueue } from './stream-queue.ts'

/** Calls at once before anything is known of a connection, and at most. */
const CONCURRENCY_FIRST = 64
const CONCURRENCY_MAX = 400
const PAUSE_MS = { min: 1_000, max: 3_600_000, unaskedMax: 60_000 }
/** Pauses in a row that are as long as asked; later ones grow, since the provider is mistaken about them. */
const ASKED_PAUSES = 5
/** Outlives a call by far, and a worker that dies by little. */
export const PROBE_LEASE_MS = 60_000
/** How soon a message looks again while somebody probes: none is to notice ten seconds late that the connection works. */
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
    ...{ tenantId, connectionId, candidate, known: false },
    ...{ circuit: 'closed', retryAt: 0, probeUntil: 0, pausedUntil: 0, tally: NO_TALLY, told: null },
    ...{ concurrency: CONCURRENCY_FIRST, workers: 1, busy: 0, callMs: 200, bookings: noBookings() },
    ...{ waiting: createStreamQueue<CallWaiter>(), tails: { transactional: 0, bulk: 0 } },
    ...{ pausesInARow: 0, halvedAt: Number.NEGATIVE_INFINITY, usedAt: 0, syncedAt: Number.NEGATIVE_INFINITY },
    ...{ askedAt: Number.NEGATIVE_INFINITY, pending: nothingPending(), share: noShare() },
  }
}

/** Calls at once of all workers: more than the provider has room for would wait inside it, fenced, while their time runs out. */
export function concurrencyMax({ candidate: { limits, provider, connection } }: ConnectionState): number {
  const room = provider.callsMax?.(connection.settings) ?? CONCURRENCY_MAX
  return Math.max(1, Math.min(CONCURRENCY_MAX, limits?.concurrency ?? CONCURRENCY_MAX, room))
}

/** Calls at once of this worker. */
export function shareOf(state: ConnectionState, now = performance.now()): number {
  const limit = Math.min(state.concurrency, concurrencyMax(state))
  if (isLimited(state)) return Math.min(callsOf(state.share, now), Math.max(1, Math.floor(limit)))
  return Math.max(1, Math.floor(limit / state.workers))
}

/** Those that it will have, more or less, once all workers have told what they have use for. */
export function shareToCome(state: ConnectionState): number {
  const part = Math.floor(Math.min(state.concurrency, concurrencyMax(state)) / state.workers)
  return Math.max(1, part, shareOf(state))
}

const least = (...values: (number | undefined)[]): number | null => {
  const given = values.filter((value) => value !== undefined)
  return given.length === 0 ? null : Math.min(...given)
}

/** The narrower of what the tenant set and what the provider says. */
export function limitsOf({ candidate: { limits }, told }: ConnectionState): {
  rate: number | null
  perDay: number | null
} {
  return { rate: least(limits?.per_second, told?.perSecond), perDay: least(limits?.per_day, told?.perDay) }
}

/**
 * For as long again as the probe has been out, so that what waits for a provider that does not answer is not looked at all the time; no
 * longer than the probe may be out.
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

/** Takes over what all workers know; null: there is no row, so nothing is wrong with it. */
export function apply(state: ConnectionState, health: Health | null, now: number): void {
  state.known = true
  state.circuit = health?.state ?? 'closed'
  state.retryAt = now + (health?.retryInMs ?? 0)
  state.probeUntil = now + (health?.probeForMs ?? 0)
  state.pausedUntil = now + Math.max(health?.pausedForMs ?? 0, state.pending.pauseMs ?? 0)
  state.concurrency = health?.concurrency ?? CONCURRENCY_FIRST
  state.workers = Math.max(1, health?.workers ?? 1)
  // A row that was made anew knows of no limits until its provider is asked again, which is then due.
  state.told = health?.told ?? state.told
  if (health) state.askedAt = now - (health.askedMsAgo ?? Number.POSITIVE_INFINITY)
  if (state.circuit !== 'closed') state.tally = NO_TALLY
}

/** For how long an outcome asks that the connection be left alone; null: it does not. */
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

/** PollResult to slow down, no whole answer in time, or no connection in time: fewer calls at once may do better. */
function isTooMuch(outcome: SendOutcome): boolean {
  if (outcome.kind === 'accepted') return false
  const { code } = outcome
  return classOf(code).connection === 'slows' || outcome.kind === 'unknown' || code === 'provider-unreachable'
}

/**
 * What a call says of its connection: grown by one over N, halved at most once a second (AIMD), paused as asked. It grows only while
 * a quarter of it is in use: calls one by one do not show that it bears hundreds, and would have its row written four times a second.
 */
export function learn(state: ConnectionState, outcome: SendOutcome, callMs: number, now: number): void {
  state.callMs += (callMs - state.callMs) / 8
  const slows = outcome.kind !== 'accepted' && classOf(outcome.code).connection === 'slows'
  // Calls that were under way together are refused together: for all of them there is one pause.
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

/** Whether the other side had a part in it: else it is as if the call had not been made. */
export function wasAsked(outcome: SendOutcome): boolean {
  return outcome.kind === 'accepted' || classOf(outcome.code).connection !== 'unasked'
}

/** Whether a failure is the connection's own, so that it counts towards opening its circuit. */
export function fails(code: FailureCode): boolean {
  return classOf(code).connection === 'fails'
}
