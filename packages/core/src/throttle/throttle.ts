import { createBatcher } from '@lettergate/db/batcher'
import type { Pool } from '@lettergate/db/pool'
import type { AccountReport, SendOutcome } from '@lettergate/providers/provider'
import { LRUCache } from 'lru-cache'
import type { Candidate } from '../connections/index.ts'
import { farMs, HOUR_MS } from './allocate.ts'
import type { Availability, WaitWhy } from './availability.ts'
import { bookBulk } from './book-bulk.ts'
import { afterCall, OPEN_MS } from './circuit-breaker.ts'
import { forgetUse, isLimited, noteUse } from './concurrency-lease.ts'
import {
  apply,
  availability,
  fails,
  learn,
  limitsOf,
  newConnectionState,
  PROBE_LEASE_MS,
  shareOf,
  shareToCome,
  wasAsked,
} from './connection-state.ts'
import { createLimitsPoller, type PollResult } from './poll-account-limits.ts'
import { createReservations } from './reserve.ts'
import { closeCircuit } from './sql/close-circuit.ts'
import { openCircuit } from './sql/open-circuit.ts'
import { readHealth } from './sql/read-health.ts'
import { takeProbe } from './sql/take-probe.ts'
import { createHealthSync } from './sync.ts'
import type { ConnectionState } from './types.ts'

/** A call to be admitted. `hasTime`: its sending time was reserved earlier and has been reached. */
export type Call = {
  isProbe: boolean
  isBulk: boolean
  hasTime: boolean
  recipients: number
  version: number
}

/**
 * Permit for one call. `ended` reports its outcome; null: the call was not made. `byUs`: we aborted the call, so its outcome does not
 * concern the provider.
 */
export type Permit = { ended(outcome: SendOutcome | null, byUs?: boolean): void }

export type Admission =
  | { kind: 'go'; permit: Permit }
  /** No permit; 'rate': a sending time is reserved. */
  | { kind: 'later'; why: WaitWhy; ms: number }
  /** Concurrency limit reached. */
  | { kind: 'full' }
  /** Another call has the probe. */
  | { kind: 'taken' }

export type Throttle = {
  /** Loads the health of these connections; null if all are loaded. */
  know(tenantId: string, candidates: readonly Candidate[]): Promise<void> | null
  availabilityOf(candidate: Candidate): Availability
  /** Requests a permit for one call. */
  admit(candidate: Candidate, call: Call): Promise<Admission> | Admission
  /** Waits for a call of a full connection to end and answers 0; otherwise answers in how many ms to retry. */
  queue(connectionId: string, isBulk: boolean): Promise<number>
  /** Reads these connections again after a change by others; null: all in use. */
  refresh(connectionIds: readonly string[] | null): void
  counts(): { open: number; paused: number; waiting: number }
  start(): void
  stop(): Promise<void>
}

const CONNECTIONS_MAX = 10_000
const BATCH_MAX = 500
const SYNC_MS = 250
/** In use: requested within this time. */
const USED_MS = 10_000
/** Unused: a connection with waiting mail is tried at least every ten and a half minutes. */
const UNUSED_MS = 660_000
/** A claim lasts for ten seconds. */
const QUEUE_MS = 3_000
const WAITING_MAX = 1_000
const DEFER_MS = { min: 250, max: 300_000 }

/**
 * Limits the use of connections: by the provider's limits, the tenant's limits and the learned concurrency. All workers share one row for
 * each connection. This keeps a copy, syncs four times a second, and learns of pauses and circuits by NOTIFY. A healthy connection without
 * limits costs a message two look-ups.
 */
export function createThrottle(deps: {
  pool: Pool
  /** Polls the limits of a connection at its provider; not awaited once the signal aborts. */
  check?: (tenantId: string, candidate: Candidate, signal: AbortSignal) => Promise<AccountReport>
  checkDeadlineMs?: number
  onPolled?: (asked: PollResult) => void
  onError: (error: unknown) => void
  onSync?: (connections: number) => void
  onReserve?: (recipients: number) => void
  random?: () => number
}): Throttle {
  const { random = Math.random, onError } = deps
  const states = new LRUCache<string, ConnectionState>({ max: CONNECTIONS_MAX })
  const now = () => performance.now()
  const changing = new Set<Promise<unknown>>()

  function stateOf(tenantId: string, candidate: Candidate): ConnectionState | null {
    const { connectionId } = candidate
    if (connectionId === null) return null
    let state = states.get(connectionId)
    if (!state) {
      state = newConnectionState(candidate.ownerId ?? tenantId, connectionId, candidate)
      states.set(connectionId, state)
    }
    state.candidate = candidate
    state.usedAt = now()
    return state
  }

  const readBatch = createBatcher<ConnectionState, void>({
    run: async (wanted) => {
      const found = new Map((await readHealth(deps.pool, wanted)).map((row) => [row.connectionId, row]))
      for (const state of wanted) apply(state, found.get(state.connectionId) ?? null, now())
      return wanted.map(() => undefined)
    },
    itemsMax: BATCH_MAX,
  })

  const reserve = createReservations(deps)

  /** Writes a change of the circuit for all workers, then readBatch the row again. */
  function change(state: ConnectionState, work: Promise<unknown>): void {
    const done: Promise<unknown> = work
      .catch(onError)
      .then(() => readBatch.add(state))
      .catch(onError)
      .finally(() => changing.delete(done))
    changing.add(done)
  }

  function judge(state: ConnectionState, outcome: SendOutcome, isProbe: boolean): void {
    const failure = outcome.kind !== 'accepted' && fails(outcome.code) ? outcome : null
    const circuit = { isClosed: state.circuit === 'closed', tally: state.tally }
    const { move, tally } = afterCall(circuit, { isProbe, failed: failure !== null }, now())
    state.tally = tally
    if (move === 'close') {
      state.circuit = 'closed'
      change(state, closeCircuit(deps.pool, state))
    } else if (move === 'open' && failure) {
      // Takes effect here immediately; other workers read it from the row.
      state.circuit = 'open'
      state.retryAt = now() + OPEN_MS.firstMs
      const { tenantId, connectionId } = state
      const { code, reason } = failure
      change(state, openCircuit(deps.pool, { tenantId, connectionId, code, reason, isProbe }, OPEN_MS))
    }
  }

  function wakeNext(state: ConnectionState): void {
    for (let free = shareOf(state) - state.busy; free > 0 && state.waiting.length > 0; free--)
      state.waiting.shift()?.wake()
  }

  function waitsFor(state: ConnectionState, isBulk: boolean): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        state.waiting.remove(one)
        resolve(false)
      }, QUEUE_MS).unref()
      const one = {
        isBulk,
        wake() {
          clearTimeout(timer)
          resolve(true)
        },
      }
      state.waiting.push(one)
    })
  }

  /** `ofDay`: recipients reserved of the daily limit for this call. */
  function permitFor(state: ConnectionState, isProbe: boolean): Permit & { ofDay: number } {
    const startedAt = now()
    let hasEnded = false
    state.busy++
    noteUse(state)
    return {
      ofDay: 0,
      ended(outcome, byUs = false) {
        if (hasEnded) return
        hasEnded = true
        state.busy--
        const isOut = outcome?.kind === 'accepted' || outcome?.kind === 'unknown'
        if (!isOut) state.pending.unused += this.ofDay
        if (outcome && wasAsked(outcome) && !byUs) {
          learn(state, outcome, now() - startedAt, now())
          judge(state, outcome, isProbe)
          if (state.pending.pauseMs !== null) void sync.now()
        } else if (isProbe) change(state, takeProbe(deps.pool, state, 0))
        wakeNext(state)
      },
    }
  }

  async function mayProbe(state: ConnectionState): Promise<boolean> {
    // Set before the query, so that other messages of this worker do not ask for the same probe.
    state.probeUntil = now() + PROBE_LEASE_MS
    const isOurs = await takeProbe(deps.pool, state, PROBE_LEASE_MS).catch((error: unknown) => {
      state.probeUntil = 0
      throw error
    })
    if (isOurs) return true
    await readBatch.add(state)
    // Another worker has the probe.
    if (state.circuit !== 'closed') state.probeUntil = Math.max(state.probeUntil, now() + SYNC_MS)
    return false
  }

  /** Defers bulk mail. Beyond an hour, another connection may carry it, as for any message without a sending time within the hour. */
  function bulkLater(inMs: number): Admission {
    if (inMs > HOUR_MS) return { kind: 'later', why: 'rate-far', ms: farMs(random) }
    const ms = Math.max(DEFER_MS.min, inMs) * (1 + random() / 10)
    return { kind: 'later', why: 'rate-turn', ms }
  }

  async function admitSlowly(state: ConnectionState, call: Call): Promise<Admission> {
    if (call.isProbe && !(await mayProbe(state))) return { kind: 'taken' }
    if (isLimited(state) && state.busy >= shareOf(state)) {
      // Other calls have started meanwhile.
      if (call.isProbe) change(state, takeProbe(deps.pool, state, 0))
      return { kind: 'full' }
    }
    const limits = limitsOf(state)
    if (limits.rate !== null && call.isBulk && !call.hasTime && !call.isProbe) {
      const inMs = bookBulk(state.bookings, { ...call, rate: limits.rate }, now())
      if (inMs !== null) return bulkLater(inMs)
    }
    const permit = permitFor(state, call.isProbe)
    if ((limits.rate === null || call.hasTime) && limits.perDay === null) return { kind: 'go', permit }
    try {
      const { tenantId, connectionId, reported, candidate } = state
      const { per_second: rate = null, per_day: perDay = null } = candidate.limits ?? {}
      const answer = await reserve({ ...call, tenantId, connectionId, rate, perDay, reported })
      permit.ofDay = answer.ofDay
      if (answer.why === 'rate') state.bookings.until = Math.max(state.bookings.until, now() + answer.waitMs)
      if (answer.why === null) return { kind: 'go', permit }
      permit.ended(null)
      return { kind: 'later', why: answer.why, ms: answer.waitMs }
    } catch (error) {
      permit.ended(null)
      throw error
    }
  }

  const poller = createLimitsPoller({ ...deps, deadlineMs: deps.checkDeadlineMs })
  const sync = createHealthSync({
    ...deps,
    states: () => states.values(),
    pollLimits: poller.ask,
    wakeNext,
  })

  return {
    know(tenantId, candidates) {
      const unknown = candidates.flatMap((candidate) => {
        const state = stateOf(tenantId, candidate)
        return state && !state.known ? [state] : []
      })
      return unknown.length === 0
        ? null
        : Promise.all(unknown.map((state) => readBatch.add(state))).then(() => {})
    },
    availabilityOf({ connectionId }) {
      const state = connectionId === null ? undefined : states.get(connectionId)
      return state ? availability(state, now()) : { kind: 'ready' }
    },
    admit(candidate, call) {
      const state = candidate.connectionId === null ? undefined : states.get(candidate.connectionId)
      if (!state) return { kind: 'go', permit: { ended: () => {} } }
      if (state.pausedUntil > now()) return { kind: 'later', why: 'paused', ms: state.pausedUntil - now() }
      if ((!call.isProbe || isLimited(state)) && state.busy >= shareOf(state)) return { kind: 'full' }
      const { rate, perDay } = limitsOf(state)
      if (call.isProbe || rate !== null || perDay !== null) return admitSlowly(state, call)
      return { kind: 'go', permit: permitFor(state, false) }
    },
    async queue(connectionId, isBulk) {
      const state = states.get(connectionId)
      if (!state || state.busy < shareOf(state)) return 0
      const share = shareToCome(state)
      const hasPlace = state.waiting.before(isBulk) < placesOf(state, share)
      const turn = hasPlace ? waitsFor(state, isBulk) : Promise.resolve(false)
      noteUse(state, hasPlace ? 0 : 1)
      if (isLimited(state) && state.share.held < state.share.fair && now() - state.syncedAt > SYNC_MS)
        void sync.now()
      if (await turn) return 0
      // Estimates the turn at the present speed, so that a message returns about once.
      const stream = isBulk ? 'bulk' : 'transactional'
      state.tails[stream] = Math.max(state.tails[stream], now()) + state.callMs / share
      const ms = Math.min(DEFER_MS.max, Math.max(DEFER_MS.min, state.tails[stream] - now()))
      return ms * (1 + random() / 10)
    },
    refresh(connectionIds) {
      const hit = connectionIds
        ? connectionIds.flatMap((id) => states.peek(id) ?? [])
        : [...states.values()].filter(({ usedAt }) => now() - usedAt < USED_MS)
      for (const state of hit) readBatch.add(state).then(() => wakeNext(state), onError)
      // Other workers may wait for a share of the concurrency.
      const holding = hit.filter((state) => state.share.held > state.busy)
      for (const state of holding) {
        forgetUse(state)
        state.syncedAt = Number.NEGATIVE_INFINITY
      }
      if (holding.length > 0) void sync.now()
    },
    counts() {
      let [openCount, paused, waiting] = [0, 0, 0]
      for (const state of states.values()) {
        if (now() - state.usedAt > UNUSED_MS) continue
        if (state.circuit !== 'closed') openCount++
        if (state.pausedUntil > now()) paused++
        waiting += state.waiting.length
      }
      return { open: openCount, paused, waiting }
    },
    start: sync.start,
    async stop() {
      for (const { waiting } of states.values()) while (waiting.length > 0) waiting.shift()?.wake()
      await Promise.all([poller.stop(), sync.stop(), ...changing])
    },
  }
}

/** Places for the calls of one second; longer waits are better spent in the backlog. */
function placesOf({ callMs }: ConnectionState, share: number): number {
  return Math.max(2 * share, Math.min(WAITING_MAX, (share * 1_000) / Math.max(1, callMs)))
}

/** Throttles nothing: every connection is ready. */
export const noThrottle: Pick<Throttle, 'know' | 'availabilityOf' | 'admit' | 'queue'> = {
  know: () => null,
  availabilityOf: () => ({ kind: 'ready' }),
  admit: () => ({ kind: 'go', permit: { ended: () => {} } }),
  queue: async () => 0,
}
