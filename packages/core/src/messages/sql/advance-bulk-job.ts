import type { Queryable } from '@lettergate/db/pool'

/** What a step adds to the progress of its job, and where the walk is after it. */
export type BulkStep = {
  matched: number
  done: number
  skipped: number
  failed: number
  /** All so far, as JSON; null: no new one. */
  errors: string | null
  atTenant: string | null
  atMessage: string | null
}

type Held = { id: string; epoch: number }

/** Commits a step with its progress. False: the job was cancelled, or another worker has it, and nothing of the step may stay. */
export async function advanceBulkJob(
  db: Queryable,
  { id, epoch }: Held,
  step: BulkStep,
  leaseMs: number,
): Promise<boolean> {
  const { rowCount } = await db.query({
    name: 'advance-bulk-job',
    text: `
      update message_job
      set matched = matched + $3, done = done + $4, skipped = skipped + $5, failed = failed + $6, errors = coalesce($7, errors),
          at_tenant = $8, at_message = $9, failures = 0, lease_until = now() + $10::int4 * interval '1 ms'
      where id = $1 and epoch = $2 and state = 'running'`,
    values: [
      ...[id, epoch, step.matched, step.done, step.skipped, step.failed],
      ...[step.errors, step.atTenant, step.atMessage, leaseMs],
    ],
  })
  return rowCount === 1
}

/** Ends a turn: the job is done, or goes to the end of the row. */
export async function endBulkTurn(db: Queryable, { id, epoch }: Held, isDone: boolean): Promise<void> {
  await db.query({
    name: 'end-bulk-turn',
    text: `
      update message_job
      set state = case when $3 then 'done' else state end, finished_at = case when $3 then now() end, lease_until = null,
          turn_at = clock_timestamp()
      where id = $1 and epoch = $2 and state = 'running'`,
    values: [id, epoch, isDone],
  })
}

/** A job whose step failed waits, twice as long each time; after the last failure in a row it is given up. */
export async function failBulkTurn(db: Queryable, { id, epoch }: Held, failuresMax: number): Promise<void> {
  await db.query({
    name: 'fail-bulk-turn',
    text: `
      update message_job
      set failures = failures + 1, turn_at = now() + least(power(2, failures), 60) * interval '1 second', lease_until = null,
          state = case when failures + 1 >= $3 then 'failed' else state end,
          finished_at = case when failures + 1 >= $3 then now() end,
          reason = case when failures + 1 >= $3 then 'an error of the gateway, which its log names' end
      where id = $1 and epoch = $2 and state = 'running'`,
    values: [id, epoch, failuresMax],
  })
}
