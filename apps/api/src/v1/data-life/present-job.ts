import type { DataJob } from '@lettergate/contracts/data-life/data-life'
import { toPublicId } from '@lettergate/contracts/lib/ids'
import type { DataJobRow } from '@lettergate/core/data-life'

/** `files`: the path under which files of exports are read. */
export function presentDataJob(job: DataJobRow, files = '/v1/export'): DataJob {
  const id = toPublicId('job', job.id)
  const tenantId = job.subject ?? job.tenant_id
  return {
    id,
    kind: job.kind,
    state: job.state,
    tenant_id: tenantId === null ? null : toPublicId('ten', tenantId),
    address_sha256: job.address_hash,
    reason: job.reason,
    counts: job.counts,
    bytes: job.bytes,
    error: job.error,
    result: job.kind === 'export' && job.state === 'done' ? `${files}/${id}/file` : null,
    created_at: job.created_at.toISOString(),
    finished_at: job.finished_at?.toISOString() ?? null,
  }
}
