import { toPublicId } from '@lettergate/contracts/lib/ids'
import type { BulkJob, BulkPreview, BulkRequest } from '@lettergate/contracts/messages/bulk'
import type { BulkJobRow, Preview } from '@lettergate/core/messages'

/** Presents a job over messages. */
export function presentBulkJob({ id, of_tenant, created_at, finished_at, ...row }: BulkJobRow): BulkJob {
  return {
    id: toPublicId('job', id),
    tenant: of_tenant === null ? null : toPublicId('ten', of_tenant),
    action: row.action,
    state: row.state,
    matched: row.matched,
    done: row.done,
    skipped: row.skipped,
    failed: row.failed,
    errors: row.errors,
    reason: row.reason,
    created_at: created_at.toISOString(),
    finished_at: finished_at?.toISOString() ?? null,
  }
}

/** Presents what an action would change. */
export function presentPreview(action: BulkRequest['action'], preview: Preview): BulkPreview {
  const { matched, applicable, isComplete, examples } = preview
  return {
    action,
    matched,
    applicable,
    is_complete: isComplete,
    examples: examples.map((id) => toPublicId('msg', id)),
  }
}
