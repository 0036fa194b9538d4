/** Usage: counts recipients against the daily quota, and refunds them. */
export { type QuotaState, quotaExceeded } from './quota.ts'
export { ensureUsage } from './sql/ensure-usage.ts'
export { mayBeTaken } from './sql/may-be-taken.ts'
export { refundUsage } from './sql/refund-usage.ts'
export { type Reservation, reserveUsage } from './sql/reserve-usage.ts'
