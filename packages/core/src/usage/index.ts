/** Usage: counts recipients against the daily quota, and refunds them. */
export { ensureUsage } from './sql/ensure-usage.ts'
export { mayBeTaken } from './sql/may-be-taken.ts'
export { type Reservation, reserveUsage } from './sql/reserve-usage.ts'
