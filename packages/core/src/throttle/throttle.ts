import { createBatcher } from '@lettergate/db/batcher'
import type { Pool } from '@lettergate/db/pool'
import type { AccountReport, SendOutcome } from '@lettergate/providers/provider'
import { LRUCache } from 'lru-cache'
import type { Candidate } from '../connections/index.ts'
import { farMs, HOUR_MS } from './allocate.ts'
import type { Availability, WaitWhy } from './availability.ts'
import { bookBulk } from './book-bulk.ts'
import { count, mustOpen, NO_TALLY, OPEN_MS } from './circuit-breaker.ts'
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
import type { ConnectionState } from './local-state.ts'
import { createLimitsPoller, type PollResult } from './poll-account-limits.ts'
import { createReservations } from './reserve.ts'
import { closeCircuit } from './sql/close-circuit.ts'
import { openCircuit } from './sql/open-circuit.ts'
import { readHealth } from './sql/read-health.ts'
import { takeProbe } from './sql/take-probe.ts'
import { createHealthSync } from './sync.ts'

/** One call, which carries so many recipients. `hasTime`: its sending time was reserved before, and has come. */
export type Call = {
  isProbe: boolean
  isBulk: boolean
  hasTime: boolean
  recipients: number
  version: number
}

/**
 * One call that may be made; `ended` tells what came of it, null: it was not made. `byUs`: we broke it off, so how it ended says nothing
 * about the provider.
 */
export type Permit = { ended(outcome: SendOutcome | null, byUs?: boolean): void }

export type Admission =
  | { kind: 'go'; permit: Permit }
  /** Nothing is held meanwhile; 'rate': its time is reserved. */
  | { kind: 'later'; why: WaitWhy; ms: number }
  /** As many calls are under way as the connection bears. */
  | { kind: 'full' }
  /** Somebody else probes it. */
  | { kind: 'taken' }

export type Throttle = {
  /** Resolves once it is known how these connections do; null where it is known already. */
  know(tenantId: string, candidates: readonly Candidate[]): Promise<void> | null
  availabilityOf(candidate: Candidate): Availability
  /** Asks for one call. */
  admit(candidate: Candidate, call: Call): Promise<Admission> | Admission
  /** Waits until a call of a full connection ends, holding nothing; else in how many ms to look again. */
  queue(connectionId: string, isBulk: boolean): Promise<number>
  /** Others have changed something about these connections; null: about any. */
  refresh(connectionIds: readonly string[] | null): void
  counts(): { open: number; paused: number; waiting: number }
  start(): void
  stop(): Promise<void>
}

const CONNECTIONS_MAX = 10_000
const BATCH_MAX = 500
const SYNC_MS = 250
/** In use: somebody asked for it within this time. */
const USED_MS = 10_000
/** Nobody uses it any more: an open circuit is tried every ten minutes and a half at least, while anything waits for it. */
const UNUSED_MS = 660_000
/** A claim lasts for ten seconds. */
const QUEUE_MS = 3_000
const WAITING_MAX = 1_000
const PUT_BACK_MS = { min: 250, max: 300_000 }

/**
 * How fast connections are used: what their providers ask for, what the tenant set, and what they turn out to bear. All workers
 * share it through one row for each connection; this keeps a copy, tells what it has seen four times a second, and hears of pauses
 * and circuits by NOTIFY. A healthy connection without limits costs a message two look-ups.
 */
export function createThrottle(deps: {
  pool: Pool
  /** Asks a provider what a connection may send; what the signal ends is not waited for. */
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
      state = newConnectionState(tenantId, connectionId, candidate)
      states.set(connectionId, state)
    }
    state.candidate = candidate
    state.usedAt = now()
    return state
  }

  const reads = createBatcher<ConnectionState, void>({
    run: async (wanted) => {
      const found = new Map((await readHealth(deps.pool, wanted)).map((row) => [row.connectionId, row]))
      for (const state of wanted) apply(state, found.get(state.connectionId) ?? null, now())
      return wanted.map(() => undefined)
    },
    ...{ itemsMax: BATCH_MAX, inFlightMax: 2, waitingMax: Number.POSITIVE_INFINITY },
  })

  const reserve = createReservations(deps)

  /** A change of the circuit, for everybody; what it comes to is seen by the next sync. */
  function change(state: ConnectionState, work: Promise<unknown>): void {
    const done: Promise<unknown> = work
      .catch(onError)
      .then(() => reads.add(state))
      .catch(onError)
      .finally(() => changing.delete(done))
    changing.add(done)
  }

  function open(
    state: ConnectionState,
    outcome: Extract<SendOutcome, { code: unknown }>,
    isProbe: boolean,
  ): void {
    // Here at once; the others follow by the row.
    Object.assign(state, { circuit: 'open', retryAt: now() + OPEN_MS.firstMs, tally: NO_TALLY })
    const { tenantId, connectionId } = state
    const { code, reason } = outcome
    change(state, openCircuit(deps.pool, { tenantId, connectionId, code, reason, isProbe }, OPEN_MS))
  }

  function judge(state: ConnectionState, outcome: SendOutcome, isProbe: boolean): void {
    const failed = outcome.kind !== 'accepted' && fails(outcome.code)
    if (isProbe && !failed) {
      state.circuit = 'closed'
      change(state, closeCircuit(deps.pool, state))
      return
    }
    if (outcome.kind !== 'accepted' && isProbe) open(state, outcome, true)
    if (state.circuit !== 'closed') return
    state.tally = count(state.tally, failed, now())
    if (outcome.kind !== 'accepted' && mustOpen(state.tally)) open(state, outcome, false)
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

  /** `ofDay`: recipients that were reserved of the day for it. */
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
    // At once, so that all others of this worker need not ask for what one of them is being given.
    state.probeUntil = now() + PROBE_LEASE_MS
    const isOurs = await takeProbe(deps.pool, state, PROBE_LEASE_MS).catch((error: unknown) => {
      state.probeUntil = 0
      throw error
    })
    if (isOurs) return true
    await reads.add(state)
    // Whoever was faster has it; the row says so to those that read it later.
    if (state.circuit !== 'closed') state.probeUntil = Math.max(state.probeUntil, now() + SYNC_MS)
    return false
  }

  /** Beyond an hour, another connection may carry it, as whatever has no sending time within the hour. */
  function bulkLater(inMs: number): Admission {
    if (inMs > HOUR_MS) return { kind: 'later', why: 'rate-far', ms: farMs(random) }
    const ms = Math.max(PUT_BACK_MS.min, inMs) * (1 + random() / 10)
    return { kind: 'later', why: 'rate-turn', ms }
  }

  async function admitSlowly(state: ConnectionState, call: Call): Promise<Admission> {
    if (call.isProbe && !(await mayProbe(state))) return { kind: 'taken' }
    if (isLimited(state) && state.busy >= shareOf(state)) {
      // Others began meanwhile.
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
      const { tenantId, connectionId } = state
      const { recipients, hasTime, version } = call
      const { told, candidate } = state
      const { per_second: rate = null, per_day: perDay = null } = candidate.limits ?? {}
      const answer = await reserve({
        tenantId,
        connectionId,
        recipients,
        hasTime,
        rate,
        perDay,
        told,
        version,
      })
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
    ...{ states: () => states.values(), pollLimits: poller.ask, wakeNext },
  })

  return {
    know(tenantId, candidates) {
      const unknown = candidates.flatMap((candidate) => {
        const state = stateOf(tenantId, candidate)
        return state && !state.known ? [state] : []
      })
      return unknown.length === 0
        ? null
        : Promise.all(unknown.map((state) => reads.add(state))).then(() => {})
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
      // When its turn would come, were the calls to go on as they do: so that it comes back about once.
      const stream = isBulk ? 'bulk' : 'transactional'
      state.tails[stream] = Math.max(state.tails[stream], now()) + state.callMs / share
      const ms = Math.min(PUT_BACK_MS.max, Math.max(PUT_BACK_MS.min, state.tails[stream] - now()))
      return ms * (1 + random() / 10)
    },
    refresh(connectionIds) {
      const hit = connectionIds
        ? connectionIds.flatMap((id) => states.peek(id) ?? [])
        : [...states.values()].filter(({ usedAt }) => now() - usedAt < USED_MS)
      for (const state of hit) reads.add(state).then(() => wakeNext(state), onError)
      // Others may wait for what this worker has of its calls at once.
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

/** As many as are done in a second: what would wait for longer is better off in the backlog. */
function placesOf({ callMs }: ConnectionState, share: number): number {
  return Math.max(2 * share, Math.min(WAITING_MAX, (share * 1_000) / Math.max(1, callMs)))
}

/** For callers that need none: every connection is ready. */
export const noThrottle: Pick<Throttle, 'know' | 'availabilityOf' | 'admit' | 'queue'> = {
  know: () => null,
  availabilityOf: () => ({ kind: 'ready' }),
  admit: () => ({ kind: 'go', permit: { ended: () => {} } }),
  queue: async () => 0,
}
