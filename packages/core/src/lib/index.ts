/** Lib: parts that several slices need and none owns: clock, cursors, leases, notifications, readiness. */
export { answeredBy } from './answered-by.ts'
export { findDurabilityIssues, watchDurability } from './check-durability.ts'
export { createDatabaseClock, type DatabaseClock } from './clock.ts'
export { type CursorKey, readCursor, writeCursor } from './cursor.ts'
export { describeError } from './describe-error.ts'
export { createFailpoint, type Failpoint, noFailpoint } from './failpoint.ts'
export { toWireHeaders } from './header-fields.ts'
export {
  ANSWER_DEADLINE_MS,
  BEGIN_DEADLINE_MS,
  CALL_DEADLINE_MS,
  CLAIM_LEASE_MS,
  SENDING_LEASE_MS,
} from './leases.ts'
export { changeConnections, columnsOf, given, toJson } from './managed-rows.ts'
export {
  MESSAGE_COLUMNS,
  type MessageColumns,
  messageColumns,
  READ_MESSAGE_COLUMNS,
} from './message-columns.ts'
export type { ContentDocument, Envelope, StoredMime, StoredRecipient } from './message-content.ts'
export { type NoticedType, noticedTypes } from './noticed-types.ts'
export { startOperationsServer } from './operations-server.ts'
export { makeOwnAddress, type OwnAddress, readOwnAddress } from './own-address.ts'
export { NO_POOL_SHARE, POOL_PLAN, POOL_TARGET, POOL_TENANT_ID, toConnectionName } from './pool-tenant.ts'
export { randomText } from './random-text.ts'
export { readOnce } from './read-once.ts'
export { createReadiness, type Readiness } from './readiness.ts'
export { type Background, repeatJobs, repeatTurns, type Wakeable } from './repeat-turns.ts'
export { retryQuery } from './retry-query.ts'
export {
  appendAcceptances,
  appendAccountEvents,
  appendEvents,
  appendReportedEvents,
  NOTIFY_FEED,
} from './sql/append-events.ts'
export { isPending } from './sql/is-pending.ts'
export { type Notification, notify } from './sql/notify.ts'
export { byDay, idRange, joinId } from './sql/uuid-range.ts'
export { fromStorage } from './storage-problem.ts'
export { createTurn, inSlices } from './take-turns.ts'
export { createTimerWheel, type TimerWheel } from './timer-wheel.ts'
