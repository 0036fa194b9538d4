/** Suppressions: addresses that a tenant's mail is not sent to. */
export { type EventReason, suppressionStreams } from './reasons.ts'
export { addSuppressions } from './sql/add-suppressions.ts'
export { type Asked, suppressedBecause, suppressionOf } from './sql/suppressed.ts'
