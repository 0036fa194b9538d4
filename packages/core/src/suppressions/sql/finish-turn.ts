import type { Queryable } from '@lettergate/db/pool'
import type { TakenJob } from './take-job.ts'

/** What one chunk adds to the progress of its job. */
export type Turn = {
  isLast: boolean
  total: number | null
  done: number
  added: number
  rejected: number
  /** All so far, as JSON. */
  errors: string
  reached: [address: string, stream: string] | null
}

/** Counts a finished chunk, and sends the job to the end of the row. */
export async function finishTurn(db: Queryable, { tenantId, id }: TakenJob, turn: Turn): Promise<void> {
  await db.query({
    name: 'finish-suppression-turn',
    text: `
      update suppression_job
      set state = case when $3 then 'done' else 'running' end, finished_at = case when $3 then now() end,
          total = $4, done = done + $5, added = added + $6, rejected = rejected + $7, errors = $8, reached = $9,
          chunks = chunks + 1, failures = 0, turn_at = clock_timestamp()
      where tenant_id = $1 and id = $2`,
    values: [
      tenantId,
      id,
      turn.isLast,
      turn.total,
      turn.done,
      turn.added,
      turn.rejected,
      turn.errors,
      turn.reached,
    ],
  })
}

/** A job whose chunk failed waits, twice as long each time; after the last failure in a row it is given up. */
export async function failTurn(
  db: Queryable,
  { tenantId, id }: { tenantId: string; id: string },
  failuresMax: number,
): Promise<void> {
  await db.query({
    name: 'fail-suppression-turn',
    text: `
      update suppression_job
      set failures = failures + 1, turn_at = now() + least(power(2, failures), 60) * interval '1 second',
          state = case when failures + 1 >= $3 then 'failed' else state end,
          finished_at = case when failures + 1 >= $3 then now() end,
          reason = case when failures + 1 >= $3 then 'an error of the gateway, which its log names' end
      where tenant_id = $1 and id = $2 and state in ('waiting', 'running')`,
    values: [tenantId, id, failuresMax],
  })
}
