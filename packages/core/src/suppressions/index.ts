/** Suppressions: addresses that a tenant's mail is not sent to. */
export {
  cancelJob,
  IMPORT_LINES_MAX,
  type JobRow,
  readExport,
  readJob,
  startExport,
  startImport,
} from './jobs.ts'
export {
  addToList,
  deleteFromList,
  findOnList,
  listSuppressions,
  type SuppressionRow,
} from './manage.ts'
export { type EventReason, suppressionStreams } from './reasons.ts'
export { type ChunkResult, createSuppressionJobs } from './run-jobs.ts'
export { addSuppressions } from './sql/add-suppressions.ts'
export { expireSuppressions } from './sql/expire-suppressions.ts'
export { suppressedBecause, suppressionOf } from './sql/suppressed.ts'
