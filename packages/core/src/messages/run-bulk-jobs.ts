import { toPublicId } from '@lettergate/contracts/lib/ids'
import { BULK_ERRORS_MAX, type BulkAction } from '@lettergate/contracts/messages/bulk'
import { Problem } from '@lettergate/contracts/problems/problems'
import { inTransaction, type Pool, type Queryable } from '@lettergate/db/pool'
import { FIRST_TENANT } from '../dispatch/index.ts'
import { type Background, type Failpoint, repeatJobs } from '../lib/index.ts'
import { ensureUsage, quotaExceeded } from '../usage/index.ts'
import { StoredFilter } from './bulk-filter.ts'
import { BulkErrors } from './bulk-jobs.ts'
import { readBulkPage } from './bulk-walk.ts'
import { cancelIn } from './cancel.ts'
import { holdIn, releaseIn } from './hold.ts'
import { retryIn } from './retry.ts'
import { advanceBulkJob, type BulkStep, endBulkTurn, failBulkTurn } from './sql/advance-bulk-job.ts'
import { type BulkMatch, findBulk } from './sql/find-bulk.ts'
import { nextTenant } from './sql/next-tenant.ts'
import { type TakenBulkJob, takeBulkJob } from './sql/take-bulk-job.ts'

/** A job has one turn of this length, then the next one has its. */
const TURN_MS = 1_000
/** A worker that is gone leaves its job to another one after this time. */
const LEASE_MS = 30_000
/** Turns that fail in a row until the job is given up: with the waits between them, a minute and a half. */
const FAILURES_MAX = 7

export type BulkResult = 'done' | 'skipped' | 'failed'

type Deps = {
  pool: Pool
  failpoint: Failpoint
  onMessage?: (action: BulkAction, result: BulkResult) => void
  onError: (error: unknown) => void
  leaseMs?: number
  turnMs?: number
}

type Job = Omit<TakenBulkJob, 'filter' | 'errors'> & {
  filter: StoredFilter
  errors: { message: string; detail: string }[]
}
/** It ends by then, or when the worker stops. */
type Turn = { signal: AbortSignal; until: number }
type Outcome = { result: BulkResult; detail?: string }

/** The job was cancelled, or another worker has it: what the step did is rolled back. */
class JobLost extends Error {}

/** By the same code as the request for one message. */
async function act(
  db: Queryable,
  action: BulkAction,
  message: { tenantId: string; id: string },
): Promise<Outcome> {
  if (action === 'retry') {
    const refused = await retryIn(db, message)
    if (refused instanceof Problem || refused === null) return toOutcome(refused)
    return { result: 'failed', detail: quotaExceeded(refused.quota, refused).detail }
  }
  const work = { hold: holdIn, release: releaseIn, cancel: cancelRow }[action]
  return toOutcome(await work(db, message))
}

const cancelRow = (db: Queryable, message: { tenantId: string; id: string }) => cancelIn(db, message, 'ended')

const toOutcome = (refused: Problem | null): Outcome => ({ result: refused === null ? 'done' : 'skipped' })

const nothing = { matched: 0, done: 0, skipped: 0, failed: 0, errors: null }

/**
 * Carries jobs over messages on, one message at a time, each in one transaction with the progress of its job, the job that waits longest
 * first. Any number of workers may run. A worker that is killed leaves its message undone and uncounted, and another one goes on with it. No
 * lock outlives a message, so a job delays no other work.
 */
export function createBulkRunner(deps: Deps): Background {
  const { pool, leaseMs = LEASE_MS, turnMs = TURN_MS } = deps

  async function advance(db: Queryable, job: Job, step: BulkStep): Promise<void> {
    if (!(await advanceBulkJob(db, job, step, leaseMs))) throw new JobLost()
  }

  /** Does the action on one message, and moves the walk past it. `skipped`: messages before it that were not applicable. */
  async function doMessage(job: Job, tenantId: string, { id }: BulkMatch, skipped: number): Promise<void> {
    const { action, filter, mode } = job
    const { result, detail } = await inTransaction(pool, async (db): Promise<Outcome> => {
      // It may have changed since the page was read.
      const [match] = await findBulk(db, action, tenantId, [id], { ...filter, mode })
      const outcome: Outcome = match?.isApplicable
        ? await act(db, action, { tenantId, id })
        : { result: 'skipped' }
      const counts = { done: 0, skipped, failed: 0 }
      counts[outcome.result] += 1
      await deps.failpoint('inside_bulk_message')
      await advance(db, job, {
        ...counts,
        matched: skipped + 1,
        errors: withError(job, id, outcome),
        atTenant: tenantId,
        atMessage: id,
      })
      return outcome
    })
    if (detail !== undefined && job.errors.length < BULK_ERRORS_MAX)
      job.errors.push({ message: toPublicId('msg', id), detail })
    deps.onMessage?.(action, result)
    await deps.failpoint('after_bulk_message')
  }

  /** Does one page of a tenant; false: the turn is over before its end. */
  async function doPage(job: Job, tenantId: string, turn: Turn): Promise<boolean> {
    const { matches, next } = await readBulkPage(pool, tenantId, job, job.atMessage)
    if (job.action === 'retry') {
      const modes = [...new Set(matches.map(({ mode }) => mode))]
      if (modes.length > 0)
        await ensureUsage(
          pool,
          modes.map((mode) => ({ id: tenantId, mode })),
        )
    }
    let [skipped, hasDone] = [0, false]
    for (const match of matches) {
      if (!match.isApplicable) {
        skipped += 1
        continue
      }
      // However long the page took to read, one message gets its turn.
      if (turn.signal.aborted || (hasDone && performance.now() > turn.until)) return false
      await doMessage(job, tenantId, match, skipped)
      job.atMessage = match.id
      ;[skipped, hasDone] = [0, true]
    }
    const atTenant = next === null ? await after(job, tenantId) : tenantId
    job.atTenant = atTenant
    job.atMessage = next
    await advance(pool, job, { ...nothing, matched: skipped, skipped, atTenant, atMessage: next })
    return true
  }

  const after = (job: Job, tenantId: string) =>
    job.ofTenant === null ? nextTenant(pool, tenantId) : Promise.resolve(null)

  /** Whether the job is done. */
  async function doTurn(job: Job, signal: AbortSignal): Promise<boolean> {
    const turn = { signal, until: performance.now() + turnMs }
    job.atTenant ??= job.ofTenant ?? (await nextTenant(pool, FIRST_TENANT))
    while (job.atTenant !== null) {
      if (!(await doPage(job, job.atTenant, turn))) return false
      if (job.atTenant !== null && performance.now() > turn.until) return false
    }
    return true
  }

  /** Whether there was a job to do. */
  async function runOne(signal: AbortSignal): Promise<boolean> {
    const taken = await takeBulkJob(pool, leaseMs)
    if (!taken) return false
    try {
      const job = {
        ...taken,
        filter: StoredFilter.parse(taken.filter),
        errors: BulkErrors.parse(taken.errors),
      }
      await endBulkTurn(pool, job, await doTurn(job, signal))
      return true
    } catch (error) {
      if (error instanceof JobLost) return true
      deps.onError(error)
      deps.onMessage?.(taken.action, 'failed')
      // Without the database this fails as well, and the job waits for the end of its lease.
      await failBulkTurn(pool, taken, FAILURES_MAX)
      return false
    }
  }

  return repeatJobs(runOne, deps.onError)
}

/** The first errors are kept, as JSON; null: no new one. */
function withError({ errors }: Job, id: string, { detail }: Outcome): string | null {
  if (detail === undefined || errors.length >= BULK_ERRORS_MAX) return null
  return JSON.stringify([...errors, { message: toPublicId('msg', id), detail }])
}
