/** Data life: how long data is kept, and how it leaves: retention, exports, erasure of addresses, deletion of tenants. */
export {
  readExportFile,
  readJobOf,
  startDataExport,
  startDeletion,
  startErasure,
  startErasureOfAll,
  tenantName,
} from './jobs.ts'
export { createRetention, type RetentionRun, runRetention } from './retention.ts'
export { createDataJobs, runDataTurn } from './run-jobs.ts'
export { type DataJobRow, expireDataJobs, type JobKind } from './sql/data-job.ts'
export { type DueDay, previewRetention, readRetentionStart } from './sql/preview-retention.ts'
export type { RetentionStep } from './sql/retain-step.ts'
