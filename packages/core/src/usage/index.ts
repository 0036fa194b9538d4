/** Usage: what counts against the quota of a day, and what is given back. */
export { type QuotaState, quotaExceeded } from './quota.ts'
export { ensureUsage } from './sql/ensure-usage.ts'
export { mayBeTaken } from './sql/may-be-taken.ts'
export { refundUsage } from './sql/refund-usage.ts'
export { type Reservation, reserveForRetry } from './sql/reserve.ts'
