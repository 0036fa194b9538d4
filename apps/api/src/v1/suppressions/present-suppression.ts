import { toPublicId } from '@lettergate/contracts/lib/ids'
import type { Suppression, SuppressionJob } from '@lettergate/contracts/suppressions/suppressions'
import type { JobRow, SuppressionRow } from '@lettergate/core/suppressions'

export function presentSuppression(row: SuppressionRow): Suppression {
  return {
    address: row.address,
    stream: row.stream,
    reason: row.reason,
    message_id: row.message_id === null ? null : toPublicId('msg', row.message_id),
    note: row.note,
    created_at: row.created_at.toISOString(),
    expires_at: row.expires_at?.toISOString() ?? null,
  }
}

export function presentJob(job: JobRow): SuppressionJob {
  const id = toPublicId('job', job.id)
  return {
    id,
    kind: job.kind,
    state: job.state,
    total: job.total,
    done: job.done,
    added: job.added,
    rejected: job.rejected,
    errors: job.errors,
    reason: job.reason,
    result: job.kind === 'export' && job.state === 'done' ? `/v1/suppressions/jobs/${id}/csv` : null,
    created_at: job.created_at.toISOString(),
    finished_at: job.finished_at?.toISOString() ?? null,
  }
}
