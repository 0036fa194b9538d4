/** Messages: read, list, long poll, explain, cancel, retry, hold, release, resolve; and jobs over many of them. */
export {
  type BulkJobRow,
  cancelBulkJob,
  jobsOfOperator,
  jobsOfTenant,
  readBulkJob,
  startBulkJob,
} from './bulk-jobs.ts'
export { cancelMessage } from './cancel.ts'
export { listAttempts, listEvents, readRaw } from './details.ts'
export { explainMessage, type Reason } from './explain.ts'
export { holdMessage, releaseMessage } from './hold.ts'
export { listMessages } from './list.ts'
export { createMessageWaits, type MessageWaits } from './long-poll.ts'
export { pollAfterSeconds } from './poll-after.ts'
export { type Preview, previewBulk } from './preview-bulk.ts'
export { createMessageReader, type MessageReader, type StoredMessage, type StoredRecipient } from './read.ts'
export { resolveMessage } from './resolve.ts'
export { retryMessage } from './retry.ts'
export { type BulkResult, createBulkRunner } from './run-bulk-jobs.ts'
export type { AttemptRow, StoredChoice } from './sql/read-attempts.ts'
export type { EventRow } from './sql/read-events.ts'
