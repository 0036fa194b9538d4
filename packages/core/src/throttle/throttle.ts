import { createBatcher } from '@lettergate/db/batcher'
import type { Pool } from '@lettergate/db/pool'
import type { AccountReport, SendOutcome } from '@lettergate/providers/provider'
import { LRUCache } from 'lru-cache'
import type { Candidate } from '../connections/index.ts'
import { farMs, HOUR_MS } from './allocate.ts'
import { bookBulk } from './book-bulk.ts'
import { count, mustOpen, NO_TALLY, OPEN_MS } from './circuit-breaker.ts'
import { forgetUse, isLimited, noteUse } from './concurrency-lease.ts'
import {
  apply,
  fails,
  learn,
  limitsOf,
  newLocal,
  PROBE_LEASE_MS,
  shareOf,
  shareToCome,
  standing,
  wasAsked,
} from './connection-state.ts'
import type { Local } from './local-state.ts'
import { type Asked, createLimitsAsker } from './poll-account-limits.ts'
import { createReservations } from './reserve.ts'
import { closeCircuit } from './sql/close-circuit.ts'
import { openCircuit } from './sql/open-circuit.ts'
import { readPace } from './sql/read-health.ts'
import { takeProbe } from './sql/take-probe.ts'
import type { Standing, WaitWhy } from './standing.ts'
import { createPaceSync } from './sync.ts'

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

export type Pace = {
  /** Resolves once it is known how these connections do; null where it is known already. */
  know(tenantId: string, candidates: readonly Candidate[]): Promise<void> | null
  standingOf(candidate: Candidate): Standing
  /** Asks for one call. */
  admit(candidate: Candidate, call: Call): Promise<Admission> | Admission
  /** Waits until a call of a full connection ends, holding nothing; else in how many ms to look again. */
  queue(connectionId: string, isBulk: boolean): Promise<number>
  /** Others have changed something about these connections; null: about any. */
  hint(connectionIds: readonly string[] | null): void
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
export function createPace(deps: {
  pool: Pool
  /** Asks a provider what a connection may send; what the signal ends is not waited for. */
  check?: (tenantId: string, candidate: Candidate, signal: AbortSignal) => Promise<AccountReport>
  checkDeadlineMs?: number
  onAsked?: (asked: Asked) => void
  onError: (error: unknown) => void
  onSync?: (connections: number) => void
  onReserve?: (recipients: number) => void
  random?: () => number
}): Pace {
  const { random = Math.random, onError } = deps
  const locals = new LRUCache<string, Local>({ max: CONNECTIONS_MAX })
  const now = () => performance.now()
  const changing = new Set<Promise<unknown>>()

  function localOf(tenantId: string, candidate: Candidate): Local | null {
    const { connectionId } = candidate
    if (connectionId === null) return null
    let local = locals.get(connectionId)
    if (!local) {
      local = newLocal(tenantId, connectionId, candidate)
      locals.set(connectionId, local)
    }
    local.candidate = candidate
    local.usedAt = now()
    return local
  }

  const reads = createBatcher<Local, void>({
    run: async (wanted) => {
      const found = new Map((await readPace(deps.pool, wanted)).map((row) => [row.connectionId, row]))
      for (const local of wanted) apply(local, found.get(local.connectionId) ?? null, now())
      return wanted.map(() => undefined)
    },
    ...{ itemsMax: BATCH_MAX, inFlightMax: 2, waitingMax: Number.POSITIVE_INFINITY },
  })

  const reserve = createReservations(deps)

  /** A change of the circuit, for everybody; what it comes to is seen by the next sync. */
  function change(local: Local, work: Promise<unknown>): void {
    const done: Promise<unknown> = work
      .catch(onError)
      .then(() => reads.add(local))
      .catch(onError)
      .finally(() => changing.delete(done))
    changing.add(done)
  }

  function open(local: Local, outcome: Extract<SendOutcome, { code: unknown }>, isProbe: boolean): void {
    // Here at once; the others follow by the row.
    Object.assign(local, { state: 'open', retryAt: now() + OPEN_MS.firstMs, tally: NO_TALLY })
    const { tenantId, connectionId } = local
    const { code, reason } = outcome
    change(local, openCircuit(deps.pool, { tenantId, connectionId, code, reason, isProbe }, OPEN_MS))
  }

  function judge(local: Local, outcome: SendOutcome, isProbe: boolean): void {
    const failed = outcome.kind !== 'accepted' && fails(outcome.code)
    if (isProbe && !failed) {
      local.state = 'closed'
      change(local, closeCircuit(deps.pool, local))
      return
    }
    if (outcome.kind !== 'accepted' && isProbe) open(local, outcome, true)
    if (local.state !== 'closed') return
    local.tally = count(local.tally, failed, now())
    if (outcome.kind !== 'accepted' && mustOpen(local.tally)) open(local, outcome, false)
  }

  function wakeNext(local: Local): void {
    for (let free = shareOf(local) - local.busy; free > 0 && local.waiting.length > 0; free--)
      local.waiting.shift()?.wake()
  }

  function waitsFor(local: Local, isBulk: boolean): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        local.waiting.remove(one)
        resolve(false)
      }, QUEUE_MS).unref()
      const one = {
        isBulk,
        wake() {
          clearTimeout(timer)
          resolve(true)
        },
      }
      local.waiting.push(one)
    })
  }

  /** `ofDay`: recipients that were reserved of the day for it. */
  function permitFor(local: Local, isProbe: boolean): Permit & { ofDay: number } {
    const startedAt = now()
    let hasEnded = false
    local.busy++
    noteUse(local)
    return {
      ofDay: 0,
      ended(outcome, byUs = false) {
        if (hasEnded) return
        hasEnded = true
        local.busy--
        const isOut = outcome?.kind === 'accepted' || outcome?.kind === 'unknown'
        if (!isOut) local.news.unused += this.ofDay
        if (outcome && wasAsked(outcome) && !byUs) {
          learn(local, outcome, now() - startedAt, now())
          judge(local, outcome, isProbe)
          if (local.news.pauseMs !== null) void sync.now()
        } else if (isProbe) change(local, takeProbe(deps.pool, local, 0))
        wakeNext(local)
      },
    }
  }

  async function mayProbe(local: Local): Promise<boolean> {
    // At once, so that all others of this worker need not ask for what one of them is being given.
    local.probeUntil = now() + PROBE_LEASE_MS
    const isOurs = await takeProbe(deps.pool, local, PROBE_LEASE_MS).catch((error: unknown) => {
      local.probeUntil = 0
      throw error
    })
    if (isOurs) return true
    await reads.add(local)
    // Whoever was faster has it; the row says so to those that read it later.
    if (local.state !== 'closed') local.probeUntil = Math.max(local.probeUntil, now() + SYNC_MS)
    return false
  }

  /** Beyond an hour, another connection may carry it, as whatever has no sending time within the hour. */
  function bulkLater(inMs: number): Admission {
    if (inMs > HOUR_MS) return { kind: 'later', why: 'rate-far', ms: farMs(random) }
    const ms = Math.max(PUT_BACK_MS.min, inMs) * (1 + random() / 10)
    return { kind: 'later', why: 'rate-turn', ms }
  }

  async function admitSlowly(local: Local, call: Call): Promise<Admission> {
    if (call.isProbe && !(await mayProbe(local))) return { kind: 'taken' }
    if (isLimited(local) && local.busy >= shareOf(local)) {
      // Others began meanwhile.
      if (call.isProbe) change(local, takeProbe(deps.pool, local, 0))
      return { kind: 'full' }
    }
    const limits = limitsOf(local)
    if (limits.rate !== null && call.isBulk && !call.hasTime && !call.isProbe) {
      const inMs = bookBulk(local.bookings, { ...call, rate: limits.rate }, now())
      if (inMs !== null) return bulkLater(inMs)
    }
    const permit = permitFor(local, call.isProbe)
    if ((limits.rate === null || call.hasTime) && limits.perDay === null) return { kind: 'go', permit }
    try {
      const { tenantId, connectionId } = local
      const { recipients, hasTime, version } = call
      const { told, candidate } = local
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
      if (answer.why === 'rate') local.bookings.until = Math.max(local.bookings.until, now() + answer.waitMs)
      if (answer.why === null) return { kind: 'go', permit }
      permit.ended(null)
      return { kind: 'later', why: answer.why, ms: answer.waitMs }
    } catch (error) {
      permit.ended(null)
      throw error
    }
  }

  const asker = createLimitsAsker({ ...deps, deadlineMs: deps.checkDeadlineMs })
  const sync = createPaceSync({
    ...deps,
    ...{ locals: () => locals.values(), askLimits: asker.ask, wakeNext },
  })

  return {
    know(tenantId, candidates) {
      const unknown = candidates.flatMap((candidate) => {
        const local = localOf(tenantId, candidate)
        return local && !local.known ? [local] : []
      })
      return unknown.length === 0
        ? null
        : Promise.all(unknown.map((local) => reads.add(local))).then(() => {})
    },
    standingOf({ connectionId }) {
      const local = connectionId === null ? undefined : locals.get(connectionId)
      return local ? standing(local, now()) : { kind: 'ready' }
    },
    admit(candidate, call) {
      const local = candidate.connectionId === null ? undefined : locals.get(candidate.connectionId)
      if (!local) return { kind: 'go', permit: { ended: () => {} } }
      if (local.pausedUntil > now()) return { kind: 'later', why: 'paused', ms: local.pausedUntil - now() }
      if ((!call.isProbe || isLimited(local)) && local.busy >= shareOf(local)) return { kind: 'full' }
      const { rate, perDay } = limitsOf(local)
      if (call.isProbe || rate !== null || perDay !== null) return admitSlowly(local, call)
      return { kind: 'go', permit: permitFor(local, false) }
    },
    async queue(connectionId, isBulk) {
      const local = locals.get(connectionId)
      if (!local || local.busy < shareOf(local)) return 0
      const share = shareToCome(local)
      const hasPlace = local.waiting.before(isBulk) < placesOf(local, share)
      const turn = hasPlace ? waitsFor(local, isBulk) : Promise.resolve(false)
      noteUse(local, hasPlace ? 0 : 1)
      if (isLimited(local) && local.share.held < local.share.fair && now() - local.syncedAt > SYNC_MS)
        void sync.now()
      if (await turn) return 0
      // When its turn would come, were the calls to go on as they do: so that it comes back about once.
      const stream = isBulk ? 'bulk' : 'transactional'
      local.tails[stream] = Math.max(local.tails[stream], now()) + local.callMs / share
      const ms = Math.min(PUT_BACK_MS.max, Math.max(PUT_BACK_MS.min, local.tails[stream] - now()))
      return ms * (1 + random() / 10)
    },
    hint(connectionIds) {
      const hit = connectionIds
        ? connectionIds.flatMap((id) => locals.peek(id) ?? [])
        : [...locals.values()].filter(({ usedAt }) => now() - usedAt < USED_MS)
      for (const local of hit) reads.add(local).then(() => wakeNext(local), onError)
      // Others may wait for what this worker has of its calls at once.
      const holding = hit.filter((local) => local.share.held > local.busy)
      for (const local of holding) {
        forgetUse(local)
        local.syncedAt = Number.NEGATIVE_INFINITY
      }
      if (holding.length > 0) void sync.now()
    },
    counts() {
      let [openCount, paused, waiting] = [0, 0, 0]
      for (const local of locals.values()) {
        if (now() - local.usedAt > UNUSED_MS) continue
        if (local.state !== 'closed') openCount++
        if (local.pausedUntil > now()) paused++
        waiting += local.waiting.length
      }
      return { open: openCount, paused, waiting }
    },
    start: sync.start,
    async stop() {
      for (const { waiting } of locals.values()) while (waiting.length > 0) waiting.shift()?.wake()
      await Promise.all([asker.stop(), sync.stop(), ...changing])
    },
  }
}

/** As many as are done in a second: what would wait for longer is better off in the backlog. */
function placesOf({ callMs }: Local, share: number): number {
  return Math.max(2 * share, Math.min(WAITING_MAX, (share * 1_000) / Math.max(1, callMs)))
}

/** For callers that need none: every connection is ready. */
export const noPace: Pick<Pace, 'know' | 'standingOf' | 'admit' | 'queue'> = {
  know: () => null,
  standingOf: () => ({ kind: 'ready' }),
  admit: () => ({ kind: 'go', permit: { ended: () => {} } }),
  queue: async () => 0,
}
