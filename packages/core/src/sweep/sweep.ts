import { expireAudit } from '../audit/index.ts'
import { EVENTS_KEPT, failPinned } from '../connections/index.ts'
import { expireDataJobs } from '../data-life/index.ts'
import { gaveUp } from '../deliver/index.ts'
import { FIRST_TENANT } from '../dispatch/index.ts'
import { dropInboundDays, expireSeen } from '../inbound/index.ts'
import {
  createLifeWatch,
  type ExpiredClaim,
  type LostClaim,
  type LostDeps,
  listAsideDue,
  listExpiredClaims,
  raiseLostWorkers,
  recordLost,
  SET_ASIDE_REASON,
  type WorkerLife,
} from '../lost-workers/index.ts'
import { expireBulkJobs } from '../messages/index.ts'
import { applyLateChanges } from '../plans/index.ts'
import { forgetReputation } from '../pool/index.ts'
import { expireSuppressions } from '../suppressions/index.ts'
import {
  type Drift,
  expireUsage,
  FIRST_USAGE,
  giveNotices,
  proveUsage,
  rollUpConnections,
} from '../usage/index.ts'
import { dropDayPartitions } from './sql/drop-day-partitions.ts'
import { ensurePartitions } from './sql/ensure-partitions.ts'
import { expireAccountEvents } from './sql/expire-account-events.ts'
import { expireConnectionEvents } from './sql/expire-connection-events.ts'
import { expireIdempotency } from './sql/expire-idempotency.ts'
import { forgetClaimsInHand } from './sql/forget-claims-in-hand.ts'
import { forgetGoneConnections } from './sql/forget-gone-connections.ts'
import { listExpiredSending } from './sql/list-expired-sending.ts'
import { markPoolReleased, readPoolChange, releaseForPool } from './sql/release-for-pool.ts'
import { releaseWaiting } from './sql/release-waiting.ts'
import { FIRST_CONNECTION, trimConnectionEvents } from './sql/trim-connection-events.ts'
import { walkOnce, walkUntilDone } from './walk-pages.ts'

const BATCH = 200
/** Looked at in one statement; with `BATCH` rows of each at most. */
const CONNECTIONS = 50
const TENANTS = 50
/** Of which only those with waiting messages are changed. */
const POOL_TENANTS = 2_000
/** Rows of usage, of which nearly all need no notice. */
const NOTICES = 1_000
/** Then workers are notified of the released messages, and the step continues a second later. */
const RELEASE_MS = 10_000

/** Requests of providers are kept as they came for this time, to be looked at when an event seems wrong. */
const PROVIDER_EVENT_DAYS = 30
/** Attempts at callbacks stay as long, for people to read and for replays. */
const DELIVERY_TRY_DAYS = 30
/** As long as usage is kept: a year and a month. */
const AUDIT_DAYS = 400
const BULK_JOB_DAYS = 30

export type SweepDeps = LostDeps & {
  isStopped?: () => boolean
  /** Absent: every worker whose lease ran out is gone. */
  lifeOf?: (workers: readonly number[]) => WorkerLife
  /** Days for which events stay in the feed; absent: 30. */
  feedDays?: number
  /** Called with each counter that differs from what is stored. */
  onDrift?: (drift: Drift) => void
  /** Days for which received mail is kept; absent: 30. */
  inboundDays?: number
}

/** Runs one step until it finds less than a full batch, or the process is to end: the next process continues. */
async function untilDone(deps: SweepDeps, step: (limit: number) => Promise<number>): Promise<number> {
  let total = 0
  for (;;) {
    const count = await step(BATCH)
    total += count
    if (count < BATCH || deps.isStopped?.()) return total
  }
}

/**
 * Decides which expired claims count against their message: only those that a dead worker had begun, not those of a slow worker or one cut
 * off from the database. Claims of workers whose state is not known yet are left for the next sweep.
 */
function judge({ lifeOf = () => 'gone' }: SweepDeps, expired: readonly ExpiredClaim[]): LostClaim[] {
  return expired.flatMap(({ workers, ...claim }) => {
    const life = workers.length === 0 ? 'lives' : lifeOf(workers)
    return life === 'unknown' ? [] : [{ ...claim, inHand: life === 'gone' }]
  })
}

/** Records attempts without a result in time as unknown. */
async function giveUpLostSending(deps: SweepDeps, limit: number): Promise<number> {
  return await recordLost(deps, judge(deps, await listExpiredSending(deps.pool, limit)))
}

/** Frees claims that ran out. */
async function releaseClaims(deps: SweepDeps, limit: number): Promise<number> {
  const expired = await listExpiredClaims(deps.pool, limit)
  const lost = await raiseLostWorkers(deps.pool, judge(deps, expired), 'claimed')
  deps.onLost?.(lost)
  return lost.released
}

/** Ends messages that were set aside and neither retried nor cancelled within their tenant's retry limit. */
async function endSetAside({ pool }: SweepDeps, limit: number): Promise<number> {
  const due = await listAsideDue(pool, limit)
  for (const [tenantId, messages] of Map.groupBy(due, (message) => message.tenantId)) {
    const messageIds = messages.map(({ messageId }) => messageId)
    const hours = messages[0]?.retryHours ?? 0
    await failPinned(pool, tenantId, messageIds, gaveUp(hours, SET_ASIDE_REASON))
  }
  return due.length
}

/** Goes past every connection that has events until none has too many. */
function trimEvents({ pool, isStopped }: SweepDeps): Promise<number> {
  const bounds = { connections: CONNECTIONS, keep: EVENTS_KEPT.ofConnection, limit: BATCH }
  return walkUntilDone(FIRST_CONNECTION, (after) => trimConnectionEvents(pool, after, bounds), isStopped)
}

/** Goes past every tenant that has changed something until none has messages left that wait for what was before. */
function releaseAllWaiting({ pool, isStopped }: SweepDeps): Promise<number> {
  const until = performance.now() + RELEASE_MS
  return walkUntilDone(
    FIRST_TENANT,
    (after) => releaseWaiting(pool, after, { tenants: TENANTS, limit: BATCH }),
    () => isStopped?.() === true || performance.now() >= until,
  )
}

/** Has every tenant with waiting messages looked at again after a change of the shared pool. Answers how many pages it took. */
async function releaseAfterPoolChange({ pool, isStopped }: SweepDeps): Promise<number> {
  const version = await readPoolChange(pool)
  if (version === null) return 0
  let pages = 0
  let after: string | null = FIRST_TENANT
  while (after !== null) {
    if (isStopped?.()) return pages
    after = await releaseForPool(pool, after, POOL_TENANTS)
    pages++
  }
  await markPoolReleased(pool, version)
  return pages
}

/** Visits all rows of connections once; locked rows are skipped until the next run. */
function forgetConnections({ pool, isStopped }: SweepDeps): Promise<number> {
  return walkOnce(FIRST_CONNECTION, (after) => forgetGoneConnections(pool, after, BATCH), isStopped)
}

/** Compares counters with what is stored: the days that have ended, and today's of some tenants. */
async function compareUsage(deps: SweepDeps): Promise<number> {
  const found = [...(await proveUsage(deps, 'day')), ...(await proveUsage(deps, 'tenant'))]
  for (const drift of found) deps.onDrift?.(drift)
  return found.length
}

/** What each connection did yesterday and today. */
async function countConnections({ pool, isStopped }: SweepDeps): Promise<number> {
  let total = 0
  for (const daysAgo of [1, 0]) {
    const stride = (after: string) => rollUpConnections(pool, { daysAgo, after, limit: TENANTS })
    total += await walkOnce(FIRST_TENANT, stride, isStopped)
  }
  return total
}

export const sweepSteps = {
  releaseExpiredClaims: (deps: SweepDeps) => untilDone(deps, (limit) => releaseClaims(deps, limit)),
  endSetAside: (deps: SweepDeps) => untilDone(deps, (limit) => endSetAside(deps, limit)),
  forgetClaimsInHand: (deps: SweepDeps) => forgetClaimsInHand(deps.pool),
  releaseAfterPoolChange,
  releaseWaiting: releaseAllWaiting,
  giveUpLostSending: (deps: SweepDeps) => untilDone(deps, (limit) => giveUpLostSending(deps, limit)),
  expireIdempotency: (deps: SweepDeps) => untilDone(deps, (limit) => expireIdempotency(deps.pool, limit)),
  expireConnectionEvents: (deps: SweepDeps) =>
    untilDone(deps, (limit) => expireConnectionEvents(deps.pool, EVENTS_KEPT.days, limit)),
  trimConnectionEvents: trimEvents,
  forgetConnections,
  ensurePartitions: (deps: SweepDeps) => ensurePartitions(deps.pool),
  dropFeedDays: (deps: SweepDeps) => dropDayPartitions(deps.pool, 'feed', deps.feedDays ?? 30),
  applyPlans: (deps: SweepDeps) => untilDone(deps, (limit) => applyLateChanges(deps.pool, limit)),
  forgetReputation: (deps: SweepDeps) => untilDone(deps, (limit) => forgetReputation(deps.pool, limit)),
  expireSuppressions: (deps: SweepDeps) => untilDone(deps, (limit) => expireSuppressions(deps.pool, limit)),
  expireDataJobs: (deps: SweepDeps) => untilDone(deps, (limit) => expireDataJobs(deps.pool, limit)),
  dropProviderEventDays: (deps: SweepDeps) =>
    dropDayPartitions(deps.pool, 'provider_event', PROVIDER_EVENT_DAYS),
  expireInboundSeen: (deps: SweepDeps) => untilDone(deps, (limit) => expireSeen(deps.pool, limit)),
  dropInboundDays: (deps: SweepDeps) => dropInboundDays(deps.pool, deps.inboundDays ?? 30),
  dropDeliveryTryDays: (deps: SweepDeps) => dropDayPartitions(deps.pool, 'delivery_try', DELIVERY_TRY_DAYS),
  expireAccountEvents: (deps: SweepDeps) =>
    untilDone(deps, (limit) => expireAccountEvents(deps.pool, deps.feedDays ?? 30, limit)),
  expireAudit: (deps: SweepDeps) => untilDone(deps, (limit) => expireAudit(deps.pool, AUDIT_DAYS, limit)),
  expireBulkJobs: (deps: SweepDeps) =>
    untilDone(deps, (limit) => expireBulkJobs(deps.pool, BULK_JOB_DAYS, limit)),
  giveUsageNotices: ({ pool, isStopped }: SweepDeps) =>
    walkOnce(FIRST_USAGE, (after) => giveNotices(pool, after, NOTICES), isStopped),
  compareUsage,
  countConnections,
  expireUsage: (deps: SweepDeps) => untilDone(deps, (limit) => expireUsage(deps.pool, limit)),
} satisfies Record<string, (deps: SweepDeps) => Promise<number>>

export type SweepStep = keyof typeof sweepSteps
const EVERY_MS: Record<SweepStep, number> = {
  releaseExpiredClaims: 2_000,
  endSetAside: 60_000,
  forgetClaimsInHand: 10_000,
  releaseAfterPoolChange: 1_000,
  releaseWaiting: 1_000,
  giveUpLostSending: 5_000,
  expireIdempotency: 60_000,
  expireConnectionEvents: 3_600_000,
  trimConnectionEvents: 3_600_000,
  forgetConnections: 600_000,
  ensurePartitions: 3_600_000,
  dropFeedDays: 3_600_000,
  expireInboundSeen: 60_000,
  dropInboundDays: 3_600_000,
  applyPlans: 300_000,
  forgetReputation: 3_600_000,
  expireSuppressions: 600_000,
  expireDataJobs: 3_600_000,
  dropProviderEventDays: 3_600_000,
  dropDeliveryTryDays: 3_600_000,
  expireAccountEvents: 3_600_000,
  expireAudit: 3_600_000,
  expireBulkJobs: 3_600_000,
  giveUsageNotices: 30_000,
  compareUsage: 60_000,
  countConnections: 3_600_000,
  expireUsage: 3_600_000,
}

/** Every step runs soon after a start: a process may never live as long as the longest interval. */
const FIRST_MS = 5_000

export type Sweeper = { start(): void; stop(): Promise<void> }

/** Puts right what a lost process left behind. Any number may run; a step that fails is reported and does not stop the others. */
export function createSweeper(
  deps: LostDeps & {
    feedDays?: number
    onDrift?: (drift: Drift) => void
    inboundDays?: number
    onSwept: (step: SweepStep, count: number, ms: number) => void
    onError: (error: unknown) => void
  },
): Sweeper {
  const timers = new Set<NodeJS.Timeout>()
  const running = new Set<Promise<void>>()
  let stopped = false
  const lives = createLifeWatch(deps.pool)

  async function run(step: SweepStep): Promise<void> {
    const startedAt = performance.now()
    try {
      if (step === 'releaseExpiredClaims') await lives.look()
      const count = await sweepSteps[step]({ ...deps, isStopped: () => stopped, lifeOf: lives.lifeOf })
      deps.onSwept(step, count, performance.now() - startedAt)
    } catch (error) {
      deps.onError(error)
    }
  }

  function schedule(step: SweepStep, afterMs: number): void {
    const timer = setTimeout(() => {
      timers.delete(timer)
      const work = run(step).finally(() => {
        running.delete(work)
        if (!stopped) schedule(step, EVERY_MS[step])
      })
      running.add(work)
    }, afterMs)
    timers.add(timer)
  }

  return {
    start() {
      for (const step of Object.keys(EVERY_MS)) {
        if (isStep(step)) schedule(step, Math.min(EVERY_MS[step], FIRST_MS))
      }
    },
    async stop() {
      stopped = true
      for (const timer of timers) clearTimeout(timer)
      await Promise.all(running)
    },
  }
}

function isStep(name: string): name is SweepStep {
  return name in sweepSteps
}
