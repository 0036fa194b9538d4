import { inTransaction, type Pool, type Queryable } from '@lettergate/db/pool'
import { type Background, type Failpoint, repeatJobs } from '../lib/index.ts'
import { DELETION_WAITS, type DeletionWaits, deleteTurn } from './delete-tenant.ts'
import { eraseTurn } from './erase-address.ts'
import { exportTurn } from './export-data.ts'
import {
  type DataTurn,
  failDataTurn,
  finishDataTurn,
  type JobKind,
  type TakenDataJob,
  takeDataJob,
} from './sql/data-job.ts'

const FAILURES_MAX = 10
/** A turn reads a day of the largest tenant at most. */
const TURN_MS_MAX = 60_000

type Deps = {
  pool: Pool
  failpoint: Failpoint
  /** For tests. */
  waits?: DeletionWaits
  onTurn?: ((kind: JobKind, result: 'done' | 'failed') => void) | undefined
  onError: (error: unknown) => void
}

async function runTurn(db: Queryable, job: TakenDataJob, waits: DeletionWaits): Promise<DataTurn> {
  if (job.kind === 'export') return await exportTurn(db, job)
  return job.kind === 'erasure' ? await eraseTurn(db, job) : await deleteTurn(db, job, waits)
}

/**
 * Does one turn of the job that waits longest, or of this one, in one transaction. A worker that is killed leaves the turn undone, and another
 * one begins it anew. Answers whether there was one.
 */
export async function runDataTurn(deps: Deps, only?: string): Promise<boolean> {
  let job: TakenDataJob | null = null
  try {
    await inTransaction(
      deps.pool,
      async (db) => {
        await db.query(`set local statement_timeout = ${TURN_MS_MAX - 5_000}`)
        job = await takeDataJob(db, only)
        if (!job) return
        await finishDataTurn(db, job, await runTurn(db, job, deps.waits ?? DELETION_WAITS))
        await deps.failpoint('inside_data_turn')
      },
      { deadlineMs: TURN_MS_MAX },
    )
  } catch (error) {
    deps.onError(error)
    return report(deps, job, 'failed')
  }
  return report(deps, job, 'done')
}

async function report(deps: Deps, job: TakenDataJob | null, result: 'done' | 'failed'): Promise<boolean> {
  if (!job) return false
  deps.onTurn?.(job.kind, result)
  // Without the database this fails as well, and the job waits as it is.
  if (result === 'failed') await failDataTurn(deps.pool, job, FAILURES_MAX)
  return result === 'done'
}

/** Carries exports, erasures and deletions on, one turn at a time. Any number of workers may run. */
export function createDataJobs(deps: Deps): Background {
  return repeatJobs(() => runDataTurn(deps), deps.onError)
}
