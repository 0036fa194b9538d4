import { Problem } from '@lettergate/contracts/problems/problems'

export const counters = ['day', 'month', 'pool', 'bytes'] as const
/** What is counted: recipients of a day and of a month, of these the ones through the shared pool, and bytes of content. */
export type Counter = (typeof counters)[number]

/** `limit` null: there is none. `resetSeconds`: until it begins anew. */
export type CounterState = { used: number; limit: number | null; resetSeconds: number }

/** A tenant's counters in one mode, after a request; those of the day itself are its daily quota in recipients. */
export type QuotaState = CounterState & {
  limit: number
  month: CounterState
  pool: CounterState
  bytes: CounterState
}

export const counterOf = (quota: QuotaState, counter: Counter): CounterState =>
  counter === 'day' ? quota : quota[counter]

/** Columns of a row of usage, for the select of a statement that has one. */
export type UsageColumns = {
  used: number | null
  day_limit: number | null
  month_used: number
  month_limit: number | null
  pool_used: number
  pool_limit: number | null
  bytes_used: number
  bytes_limit: number | null
  day_seconds: number
  month_seconds: number
}

/** Builds the SQL select list for `UsageColumns`; `row` is an expression of the type of the table `usage`. */
export function usageColumns(row: string): string {
  const of = (column: string) => `(${row}).${column}`
  const seconds = (end: string) =>
    `greatest(ceil(extract(epoch from ${end} - (now() at time zone 'utc'))), 0)::int4`
  return `
    ${of('accepted')} as used, ${of('day_limit')} as day_limit,
    (${of('month_before')} + ${of('accepted')})::float8 as month_used, ${of('month_limit')}::float8 as month_limit,
    ${of('pool')} as pool_used, ${of('pool_limit')} as pool_limit,
    ${of('bytes')}::float8 as bytes_used, ${of('bytes_limit')}::float8 as bytes_limit,
    ${seconds(`(${of('day')} + 1)::timestamp`)} as day_seconds,
    ${seconds(`date_trunc('month', ${of('day')}::timestamp) + interval '1 month'`)} as month_seconds`
}

/** Null: there is no row of usage. */
export function toQuotaState(row: UsageColumns): QuotaState | null {
  if (row.used === null || row.day_limit === null) return null
  const { day_seconds: resetSeconds, month_seconds } = row
  return {
    used: row.used,
    limit: row.day_limit,
    resetSeconds,
    month: { used: row.month_used, limit: row.month_limit, resetSeconds: month_seconds },
    pool: { used: row.pool_used, limit: row.pool_limit, resetSeconds },
    bytes: { used: row.bytes_used, limit: row.bytes_limit, resetSeconds },
  }
}

export type Refusal = {
  counter: Counter
  /** Recipients, or bytes. */
  requested: number
}

const WORDS: Record<Counter, { unit: string; period: string }> = {
  day: { unit: 'recipients', period: 'today (UTC)' },
  month: { unit: 'recipients', period: 'this month (UTC)' },
  pool: { unit: 'recipients through the shared pool', period: 'today (UTC)' },
  bytes: { unit: 'bytes of content', period: 'today (UTC)' },
}

/** The refusal of a request that needs more than a counter has left. */
export function quotaExceeded(quota: QuotaState, { counter, requested }: Refusal): Problem {
  const { used, limit, resetSeconds } = counterOf(quota, counter)
  const { unit, period } = WORDS[counter]
  const left = Math.max(0, (limit ?? 0) - used)
  const advice = counter === 'pool' ? ' Add a connection of your own, or try again after the reset.' : ''
  return new Problem(counter === 'pool' ? 'provider-required' : 'quota-exceeded', {
    detail: `This needs ${requested} ${unit}, but ${left} of ${limit ?? 0} are left ${period}. Nothing was accepted.${advice}`,
    headers: { 'retry-after': String(Math.max(1, resetSeconds)) },
  })
}
