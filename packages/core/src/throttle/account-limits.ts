import type { AccountLimits } from '@lettergate/providers/provider'
import type { ReportedLimits } from './sql/store-account-limits.ts'

const PER_SECOND = { min: 0.001, max: 100_000 }
const PER_DAY_MAX = 1_000_000_000

const isAtLeast = (value: number | undefined, least: number) =>
  value === undefined || (Number.isFinite(value) && value >= least)

/**
 * Reads the limits that a provider reports; null if none can be applied. One implausible number discards the others too. A daily limit of
 * 0 is ignored: the rejection of the message itself explains more.
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
