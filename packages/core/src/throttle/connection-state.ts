import { classOf, type FailureCode } from '@lettergate/providers/lib/failures'
import type { SendOutcome } from '@lettergate/providers/provider'
import type { Candidate } from '../connections/index.ts'
import { noBookings } from './book-bulk.ts'
import { NO_TALLY } from './circuit-breaker.ts'
import { callsOf, isLimited, noShare } from './concurrency-lease.ts'
import type { InLine, Local } from './local-state.ts'
import type { Health } from './sql/sync-health.ts'
import type { Standing } from './standing.ts'
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

export const noNews = (): Local['news'] => ({
  grow: 0,
  halve: false,
  pauseMs: null,
  pauseReason: null,
  unused: 0,
})

export const hasNews = ({ news }: Local) =>
  news.grow > 0 || news.halve || news.pauseMs !== null || news.unused > 0

export function newLocal(tenantId: string, connectionId: string, candidate: Candidate): Local {
  return {
    ...{ tenantId, connectionId, candidate, known: false },
    ...{ state: 'closed', retryAt: 0, probeUntil: 0, pausedUntil: 0, tally: NO_TALLY, told: null },
    ...{ concurrency: CONCURRENCY_FIRST, workers: 1, busy: 0, callMs: 200, bookings: noBookings() },
    ...{ waiting: createStreamQueue<InLine>(), tails: { transactional: 0, bulk: 0 } },
    ...{ pausesInARow: 0, halvedAt: Number.NEGATIVE_INFINITY, usedAt: 0, syncedAt: Number.NEGATIVE_INFINITY },
    ...{ askedAt: Number.NEGATIVE_INFINITY, news: noNews(), share: noShare() },
  }
}

/** Calls at once of all workers: more than the provider has room for would wait inside it, fenced, while their time runs out. */
export function concurrencyMax({ candidate: { limits, provider, connection } }: Local): number {
  const room = provider.callsMax?.(connection.settings) ?? CONCURRENCY_MAX
  return Math.max(1, Math.min(CONCURRENCY_MAX, limits?.concurrency ?? CONCURRENCY_MAX, room))
}

/** Calls at once of this worker. */
export function shareOf(local: Local, now = performance.now()): number {
  const borne = Math.min(local.concurrency, concurrencyMax(local))
  if (isLimited(local)) return Math.min(callsOf(local.share, now), Math.max(1, Math.floor(borne)))
  return Math.max(1, Math.floor(borne / local.workers))
}

/** Those that it will have, more or less, once all workers have told what they have use for. */
export function shareToCome(local: Local): number {
  const part = Math.floor(Math.min(local.concurrency, concurrencyMax(local)) / local.workers)
  return Math.max(1, part, shareOf(local))
}

const least = (...values: (number | undefined)[]): number | null => {
  const given = values.filter((value) => value !== undefined)
  return given.length === 0 ? null : Math.min(...given)
}

/** The narrower of what the tenant set and what the provider says. */
export function limitsOf({ candidate: { limits }, told }: Local): {
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

export function standing(local: Local, now: number): Standing {
  if (local.state !== 'closed') {
    const { retryAt, probeUntil } = local
    if (now >= retryAt && now >= probeUntil) return { kind: 'probe' }
    const forMs = now < retryAt ? retryAt - now : probingMs(probeUntil - now)
    return { kind: 'blocked', why: 'circuit', forMs }
  }
  if (local.pausedUntil > now) return { kind: 'blocked', why: 'paused', forMs: local.pausedUntil - now }
  return { kind: 'ready' }
}

/** Takes over what all workers know; null: there is no row, so nothing is wrong with it. */
export function apply(local: Local, health: Health | null, now: number): void {
  local.known = true
  local.state = health?.state ?? 'closed'
  local.retryAt = now + (health?.retryInMs ?? 0)
  local.probeUntil = now + (health?.probeForMs ?? 0)
  local.pausedUntil = now + Math.max(health?.pausedForMs ?? 0, local.news.pauseMs ?? 0)
  local.concurrency = health?.concurrency ?? CONCURRENCY_FIRST
  local.workers = Math.max(1, health?.workers ?? 1)
  // A row that was made anew knows of no limits until its provider is asked again, which is then due.
  local.told = health?.told ?? local.told
  if (health) local.askedAt = now - (health.askedMsAgo ?? Number.POSITIVE_INFINITY)
  if (local.state !== 'closed') local.tally = NO_TALLY
}

/** For how long an outcome asks that the connection be left alone; null: it does not. */
function pauseOf(local: Local, outcome: SendOutcome): number | null {
  if (outcome.kind === 'accepted') return outcome.pauseMs ?? null
  const { connection, waitMs } = classOf(outcome.code)
  if (connection !== 'slows') return null
  const asked = outcome.kind === 'deferred' ? outcome.retryAfterMs : undefined
  const wanted = asked ?? waitMs
  const unheeded = local.pausesInARow - (wanted === undefined ? 0 : ASKED_PAUSES)
  const rising = unheeded > 0 ? PAUSE_MS.min * 2 ** Math.min(10, unheeded - 1) : PAUSE_MS.min
  return Math.min(PAUSE_MS.max, Math.max(wanted ?? 0, Math.min(PAUSE_MS.unaskedMax, rising)))
}

/** Asked to slow down, no whole answer in time, or no connection in time: fewer calls at once may do better. */
function isTooMuch(outcome: SendOutcome): boolean {
  if (outcome.kind === 'accepted') return false
  const { code } = outcome
  return classOf(code).connection === 'slows' || outcome.kind === 'unknown' || code === 'provider-unreachable'
}

/**
 * What a call says of its connection: grown by one over N, halved at most once a second (AIMD), paused as asked. It grows only while
 * a quarter of it is in use: calls one by one do not show that it bears hundreds, and would have its row written four times a second.
 */
export function learn(local: Local, outcome: SendOutcome, callMs: number, now: number): void {
  local.callMs += (callMs - local.callMs) / 8
  const slows = outcome.kind !== 'accepted' && classOf(outcome.code).connection === 'slows'
  // Calls that were under way together are refused together: for all of them there is one pause.
  if (!slows) local.pausesInARow = 0
  else if (now >= local.pausedUntil) local.pausesInARow += 1
  const pauseMs = pauseOf(local, outcome)
  if (pauseMs !== null && now + pauseMs > local.pausedUntil) {
    local.pausedUntil = now + pauseMs
    local.news.pauseMs = Math.max(pauseMs, local.news.pauseMs ?? 0)
    local.news.pauseReason = outcome.kind === 'accepted' ? 'its rate is used up' : outcome.reason
  }
  if (isTooMuch(outcome)) {
    if (now - local.halvedAt < HALVE_EVERY_MS) return
    local.halvedAt = now
    local.concurrency = Math.max(1, Math.min(local.concurrency, concurrencyMax(local)) / 2)
    local.news.halve = true
  } else if (
    outcome.kind === 'accepted' &&
    local.concurrency < concurrencyMax(local) &&
    local.busy >= shareOf(local) / 4
  ) {
    const grown = Math.min(1 / local.concurrency, concurrencyMax(local) - local.concurrency)
    local.concurrency += grown
    local.news.grow += grown
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
