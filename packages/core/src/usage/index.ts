/** Usage: counts recipients and bytes against the limits of the plan, and gives recipients back. */

export { proveUsage } from './prove.ts'
export {
  type Counter,
  type CounterState,
  counterOf,
  counters,
  type QuotaState,
  quotaExceeded,
  type Refusal,
  toQuotaState,
  type UsageColumns,
  usageColumns,
} from './quota.ts'
export { createQuotaReader, type QuotaReader } from './quota-reader.ts'
export { ensureUsage } from './sql/ensure-usage.ts'
export { expireUsage } from './sql/expire-usage.ts'
export type { Drift } from './sql/find-drift.ts'
export { FIRST_USAGE, giveNotices } from './sql/give-notices.ts'
export { mayBeTaken } from './sql/may-be-taken.ts'
export { readCounters, type UsageNow } from './sql/read-counters.ts'
export { type OperatorUsageDay, readUsageDays, readUsageDaysForOperator } from './sql/read-usage-days.ts'
export { refundUsage } from './sql/refund-usage.ts'
export { type Reservation, reserveUsage } from './sql/reserve-usage.ts'
export { rollUpConnections } from './sql/roll-up-connections.ts'
