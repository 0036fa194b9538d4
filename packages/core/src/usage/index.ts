/** Usage: what counts against the quota of a day, and what is given back. */
export { ensureUsage } from './sql/ensure-usage.ts'
export { mayBeTaken } from './sql/may-be-taken.ts'
export { type Reservation, reserveUsage } from './sql/reserve-usage.ts'
