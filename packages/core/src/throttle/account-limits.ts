import type { AccountLimits } from '@lettergate/providers/provider'
import type { ReportedLimits } from './sql/store-account-limits.ts'

const PER_SECOND = { min: 0.001, max: 100_000 }
const PER_DAY_MAX = 1_000_000_000

const isAtLeast = (value: number | undefined, least: number) =>
  value === undefined || (Number.isFinite(value) && value >= least)

/**
 * What a provider said of its limits, if it can be obeyed; null: it says nothing that can. One number that makes no sense makes the
 * others doubtful as well. Nothing a day is no limit but a refusal: whoever refuses says so of the message, and says better why.
 */
export function toReportedLimits(
  limits: AccountLimits | undefined,
): (ReportedLimits & { used?: number }) | null {
  if (!limits) return null
  const { perSecond, perDay, usedToday } = limits
  if (!isAtLeast(perSecond, PER_SECOND.min) || !isAtLeast(perDay, 1) || !isAtLeast(usedToday, 0)) return null
  return {
    ...(perSecond !== undefined && { perSecond: Math.min(PER_SECOND.max, perSecond) }),
    ...(perDay !== undefined && { perDay: Math.min(PER_DAY_MAX, Math.floor(perDay)) }),
    ...(usedToday !== undefined && { used: Math.min(PER_DAY_MAX, Math.floor(usedToday)) }),
  }
}
