/** Usage: counts recipients and bytes against the limits of the plan, and gives recipients back. */

export { proveUsage } from './prove.ts'
export { createQuotaCache, type QuotaCache } from './quota-cache.ts'
export {
  type CounterState,
  type QuotaState,
  quotaExceeded,
  type Refusal,
  toQuotaState,
} from './quota-state.ts'
export {
  type Counter,
  fitsInto,
  isCounter,
  quotas,
  restsOf,
  type UsageColumns,
  usageColumns,
} from './quotas.ts'
export { ensureUsage } from './sql/ensure-usage.ts'
export type { Drift } from './sql/find-drift.ts'
export { FIRST_USAGE, giveNotices } from './sql/give-notices.ts'
export { mayBeTaken } from './sql/may-be-taken.ts'
export { readCounters, type UsageNow } from './sql/read-counters.ts'
export { type OperatorUsageDay, readUsageDays, readUsageDaysForOperator } from './sql/read-usage-days.ts'
export { refundUsage } from './sql/refund-usage.ts'
export { reserveUsage } from './sql/reserve-usage.ts'
export { rollUpConnections } from './sql/roll-up-connections.ts'
