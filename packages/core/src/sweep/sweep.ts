import { expireAudit } from '../audit/index.ts'
import { EVENTS_KEPT, failPinned } from '../connections/index.ts'
import { expireDataJobs } from '../data-life/index.ts'
import { gaveUp } from '../deliver/index.ts'
import { FIRST_TENANT } from '../dispatch/index.ts'
import { dropInboundDays } from '../inbound/index.ts'
import {
  createLifeWatch,
  type ExpiredClaim,
  type LostClaim,
  type LostDeps,
  listAsideDue,
  listExpired,
  raiseLostWorkers,
  recordLost,
  SET_ASIDE_REASON,
  type WorkerLife,
} from '../lost-workers/index.ts'
import { applyLateChanges } from '../plans/index.ts'
import { forgetReputation } from '../pool/index.ts'
import { expireSuppressions } from '../suppressions/index.ts'
import { type Drift, FIRST_USAGE, giveNotices, proveUsage, rollUpConnections } from '../usage/index.ts'
import { dropDayPartitions } from './sql/drop-day-partitions.ts'
import { ensurePartitions } from './sql/ensure-partitions.ts'
import { forgetClaimsInHand } from './sql/forget-claims-in-hand.ts'
import { forgetGoneConnections } from './sql/forget-gone-connections.ts'
import { forgetOldRows, type OldRows } from './sql/forget-old-rows.ts'
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
const BULK_JOB_DAYS = 30
/** Thirteen months and a few days. */
const USAGE_DAYS = 400
const AUDIT_DAYS = USAGE_DAYS
const FEED_DAYS = 30
const INBOUND_DAYS = 30

export type SweepDeps = LostDeps & {
  isStopped?: () => boolean
  /** Absent: every worker whose lease ran out is gone. */
  lifeOf?: (workers: readonly number[]) => WorkerLife
  /** Days for which events stay in the feed. */
  feedDays?: number
  /** Called with each counter that differs from what is stored. */
  onDrift?: (drift: Drift) => void
  /** Days for which received mail is kept. */
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
  return await recordLost(deps, judge(deps, await listExpired(deps.pool, 'sending', limit)))
}

/** Frees claims that ran out. */
async function releaseClaims(deps: SweepDeps, limit: number): Promise<number> {
  const expired = await listExpired(deps.pool, 'claimed', limit)
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

type Run = (deps: SweepDeps) => Promise<number>
/** Answers how many rows it found. */
type Step = Run & { everyMs: number }

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

const every = (everyMs: number, run: Run): Step => Object.assign((deps: SweepDeps) => run(deps), { everyMs })

/** A step whose work is cut into batches. */
const inBatches = (everyMs: number, step: (deps: SweepDeps, limit: number) => Promise<number>): Step =>
  every(everyMs, (deps) => untilDone(deps, (limit) => step(deps, limit)))

/** Deletes what is older. */
function forget(everyMs: number, keptDays: (deps: SweepDeps) => number, ...tables: OldRows[]): Step {
  return every(everyMs, async (deps) => {
    let total = 0
    for (const rows of tables)
      total += await untilDone(deps, (limit) => forgetOldRows(deps.pool, rows, keptDays(deps), limit))
    return total
  })
}

const feedDays = ({ feedDays = FEED_DAYS }: SweepDeps) => feedDays

export const sweepSteps = {
  releaseExpiredClaims: inBatches(2_000, releaseClaims),
  endSetAside: inBatches(MINUTE_MS, endSetAside),
  forgetClaimsInHand: every(10_000, ({ pool }) => forgetClaimsInHand(pool)),
  releaseAfterPoolChange: every(1_000, releaseAfterPoolChange),
  releaseWaiting: every(1_000, releaseAllWaiting),
  giveUpLostSending: inBatches(5_000, giveUpLostSending),
  expireIdempotency: forget(MINUTE_MS, () => 1, { table: 'idempotency', at: 'created_at' }),
  expireConnectionEvents: forget(HOUR_MS, () => EVENTS_KEPT.days, { table: 'connection_event', at: 'at' }),
  trimConnectionEvents: every(HOUR_MS, trimEvents),
  forgetConnections: every(10 * MINUTE_MS, forgetConnections),
  ensurePartitions: every(HOUR_MS, ({ pool }) => ensurePartitions(pool)),
  dropFeedDays: every(HOUR_MS, (deps) => dropDayPartitions(deps.pool, 'feed', feedDays(deps))),
  applyPlans: inBatches(5 * MINUTE_MS, ({ pool }, limit) => applyLateChanges(pool, limit)),
  forgetReputation: inBatches(HOUR_MS, ({ pool }, limit) => forgetReputation(pool, limit)),
  expireSuppressions: inBatches(10 * MINUTE_MS, ({ pool }, limit) => expireSuppressions(pool, limit)),
  expireDataJobs: inBatches(HOUR_MS, ({ pool }, limit) => expireDataJobs(pool, limit)),
  dropProviderEventDays: every(HOUR_MS, ({ pool }) =>
    dropDayPartitions(pool, 'provider_event', PROVIDER_EVENT_DAYS),
  ),
  // For these mails, a repeat is answered without a second row.
  expireInboundSeen: forget(MINUTE_MS, () => 1, { table: 'inbound_seen', at: 'at' }),
  dropInboundDays: every(HOUR_MS, ({ pool, inboundDays = INBOUND_DAYS }) =>
    dropInboundDays(pool, inboundDays),
  ),
  dropDeliveryTryDays: every(HOUR_MS, ({ pool }) =>
    dropDayPartitions(pool, 'delivery_try', DELIVERY_TRY_DAYS),
  ),
  expireAccountEvents: forget(HOUR_MS, feedDays, { table: 'account_event', at: 'at', isUnlocked: true }),
  expireAudit: inBatches(HOUR_MS, ({ pool }, limit) => expireAudit(pool, AUDIT_DAYS, limit)),
  expireBulkJobs: forget(HOUR_MS, () => BULK_JOB_DAYS, { table: 'message_job', at: 'finished_at' }),
  giveUsageNotices: every(30_000, ({ pool, isStopped }) =>
    walkOnce(FIRST_USAGE, (after) => giveNotices(pool, after, NOTICES), isStopped),
  ),
  compareUsage: every(MINUTE_MS, compareUsage),
  countConnections: every(HOUR_MS, countConnections),
  expireUsage: forget(
    HOUR_MS,
    () => USAGE_DAYS,
    { table: 'usage', at: 'day', isDay: true },
    { table: 'usage_connection', at: 'day', isDay: true },
    { table: 'usage_notice', at: 'period', isDay: true },
    { table: 'usage_moved', at: 'day', isDay: true },
  ),
} satisfies Record<string, Step>

export type SweepStep = keyof typeof sweepSteps

/** Every step runs soon after a start: a process may never live as long as the longest interval. */
const FIRST_MS = 5_000

export type Sweeper = { start(): void; stop(): Promise<void> }

/** Puts right what a lost process left behind. Any number may run; a step that fails is reported and does not stop the others. */
export function createSweeper(
  deps: Omit<SweepDeps, 'isStopped' | 'lifeOf'> & {
    onSwept: (step: SweepStep, count: number, ms: number) => void
    onFailed?: (step: SweepStep) => void
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
      deps.onFailed?.(step)
      deps.onError(error)
    }
  }

  function schedule(step: SweepStep, afterMs: number): void {
    const timer = setTimeout(() => {
      timers.delete(timer)
      const work = run(step).finally(() => {
        running.delete(work)
        if (!stopped) schedule(step, sweepSteps[step].everyMs)
      })
      running.add(work)
    }, afterMs)
    timers.add(timer)
  }

  return {
    start() {
      for (const step of Object.keys(sweepSteps)) {
        if (isStep(step)) schedule(step, Math.min(sweepSteps[step].everyMs, FIRST_MS))
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
