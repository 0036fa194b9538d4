import { setTimeout as sleep } from 'node:timers/promises'
import { inTransaction, type Pool, type Queryable } from '@lettergate/db/pool'
import { type Background, type Failpoint, repeatTurns } from '../lib/index.ts'
import { type DueDay, previewRetention, readRetentionStart } from './sql/preview-retention.ts'
import { type RetentionStep, retainStep } from './sql/retain-step.ts'

/** A day whose lock somebody else holds has so many tries in one run, with a random pause before each. */
const TRIES_MAX = 25
const PAUSE_MS = 150
/** A run ends by then, and the next one goes on. */
const STEPS_MAX = 20_000
/** Copies and drops of large days. */
const STEP_MS_MAX = 60_000
const EVERY_MS = 3_600_000
const FIRST_MS = 20_000

type Deps = {
  pool: Pool
  failpoint: Failpoint
  isStopped?: (() => boolean) | undefined
  /** Instead of the database's UTC day: for tests. */
  today?: string
  onStep?: ((step: RetentionStep) => void) | undefined
}

export type RetentionRun = {
  steps: Partial<Record<RetentionStep['did'], number>>
  /** Tables that somebody else held for the whole run. */
  stuck: string[]
}

/** Runs one statement that may take long. */
function withTime<T>(pool: Pool, work: (db: Queryable) => Promise<T>): Promise<T> {
  return inTransaction(
    pool,
    async (db) => {
      await db.query(`set local statement_timeout = ${STEP_MS_MAX - 5_000}`)
      return await work(db)
    },
    { deadlineMs: STEP_MS_MAX },
  )
}

/** Does all steps that are due. Any number of processes may run it: one does a step, the others find nothing. */
export async function runRetention(deps: Deps): Promise<RetentionRun> {
  const run: RetentionRun = { steps: {}, stuck: [] }
  const tries = new Map<string, number>()
  for (let n = 0; n < STEPS_MAX && !deps.isStopped?.(); n += 1) {
    const step = await withTime(deps.pool, (db) => retainStep(db, { today: deps.today, skipped: run.stuck }))
    run.steps[step.did] = (run.steps[step.did] ?? 0) + 1
    deps.onStep?.(step)
    await deps.failpoint('after_retention_step')
    if (step.did === 'nothing' || step.did === 'elsewhere') break
    if ((step.did === 'busy' || step.did === 'again') && step.table !== null) {
      const count = (tries.get(step.table) ?? 0) + 1
      tries.set(step.table, count)
      if (count >= TRIES_MAX) run.stuck.push(step.table)
      await sleep(Math.random() * PAUSE_MS)
    }
  }
  return run
}

/** Runs retention every hour, once it has begun. */
export function createRetention(
  deps: Omit<Deps, 'isStopped'> & {
    onRun: (run: RetentionRun) => void
    /** For the log: what goes when retention begins, before anything does. */
    onPreview: (startsAt: Date, due: readonly DueDay[]) => void
    onError: (error: unknown) => void
  },
): Background {
  let hasShown = false

  async function show(startsAt: Date): Promise<void> {
    hasShown = true
    deps.onPreview(startsAt, await withTime(deps.pool, (db) => previewRetention(db, deps.today)))
  }

  async function turn(signal: AbortSignal): Promise<number> {
    const { startsAt, hasBegun } = await readRetentionStart(deps.pool)
    if (!hasShown) await show(startsAt).catch(deps.onError)
    if (hasBegun) deps.onRun(await runRetention({ ...deps, isStopped: () => signal.aborted }))
    return EVERY_MS
  }

  return repeatTurns(turn, { firstMs: FIRST_MS, errorMs: EVERY_MS, onError: deps.onError })
}
