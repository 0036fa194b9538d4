/** When what is counted begins anew, in SQL of a date. */
const periods = {
  day: {
    words: 'today (UTC)',
    begin: (date: string) => date,
    end: (date: string) => `(${date} + 1)::timestamp`,
  },
  month: {
    words: 'this month (UTC)',
    begin: (date: string) => `date_trunc('month', ${date})::date`,
    end: (date: string) => `date_trunc('month', ${date}::timestamp) + interval '1 month'`,
  },
}

type Quota = {
  /** Columns of the table `usage`: their sum is what is used. */
  used: readonly string[]
  limit: string
  period: keyof typeof periods
  /** What a request needs of it: its recipients, of these the ones that the shared pool may carry, or its bytes. */
  asks: 'n' | 'pool_n' | 'bytes'
  unit: string
  /** Whether tenants get an event when it is nearly or wholly used. */
  hasNotices?: true
  /**
   * For the proof (`find-drift.ts`): what a row `u` of usage counts, and an aggregate over the messages of that day, `$2`. Absent: it is the
   * sum of days that are proved.
   */
  proof?: { counted: string; stored: string }
}

/** What is counted against a limit of a tenant: in the order in which `admit_units` takes what is left. */
export const quotas = {
  day: {
    used: ['accepted'],
    limit: 'day_limit',
    period: 'day',
    asks: 'n',
    unit: 'recipients',
    hasNotices: true,
    proof: {
      counted: 'u.accepted - u.left_behind::int8',
      stored: 'sum(recipient_count - returned) filter (where usage_day = $2)',
    },
  },
  month: {
    used: ['month_before', 'accepted'],
    limit: 'month_limit',
    period: 'month',
    asks: 'n',
    unit: 'recipients',
    hasNotices: true,
  },
  pool: {
    used: ['pool'],
    limit: 'pool_limit',
    period: 'day',
    asks: 'pool_n',
    unit: 'recipients through the shared pool',
    hasNotices: true,
    proof: {
      counted: 'u.pool - u.pool_left_behind::int8',
      stored: 'sum(pool_n) filter (where pool_day = $2)',
    },
  },
  bytes: {
    used: ['bytes'],
    limit: 'bytes_limit',
    period: 'day',
    asks: 'bytes',
    unit: 'bytes of content',
    proof: {
      counted: 'u.bytes',
      stored: 'sum(content_bytes) filter (where coalesce(bytes_day, usage_day) = $2)',
    },
  },
} as const satisfies Record<string, Quota>

export type Counter = keyof typeof quotas

export const isCounter = (name: string | undefined): name is Counter =>
  name !== undefined && Object.hasOwn(quotas, name)

const all: readonly (Quota & { counter: string })[] = Object.entries(quotas).map(([counter, quota]) => ({
  counter,
  ...quota,
}))

const usedOf = ({ used }: Quota, row: string) => used.map((column) => `(${row}).${column}`).join(' + ')
/** Null: there is no limit. */
const leftOf = (quota: Quota, row: string) => `(${row}).${quota.limit} - (${usedOf(quota, row)})`

/** The words of a quota, for a refusal. */
export function wordsOf(counter: Counter): { unit: string; period: string } {
  const { unit, period } = quotas[counter]
  return { unit, period: periods[period].words }
}

/** Columns of a row of usage, for the select of a statement that has one; null: there is no row, or no limit. */
export type UsageColumns = Record<`${Counter}_used` | `${Counter}_limit`, number | null> &
  Record<`${keyof typeof periods}_seconds`, number>

/** Builds the SQL select list for `UsageColumns`; `row` is an expression of the type of the table `usage`. */
export function usageColumns(row: string): string {
  const counters = all.map(
    (quota) =>
      `(${usedOf(quota, row)})::float8 as ${quota.counter}_used, (${row}).${quota.limit}::float8 as ${quota.counter}_limit`,
  )
  const seconds = Object.entries(periods).map(
    ([name, { end }]) =>
      `greatest(ceil(extract(epoch from ${end(`(${row}).day`)} - (now() at time zone 'utc'))), 0)::int4 as ${name}_seconds`,
  )
  return [...counters, ...seconds].join(', ')
}

/** In SQL, whether what is asked (columns `n`, `pool_n` and `bytes`) fits into what is left in a row of usage. */
export const fitsInto = (row: string): string =>
  all.map((quota) => `coalesce(${quota.asks} <= ${leftOf(quota, row)}, true)`).join(' and ')

/** What is left of a counter without a limit. */
const UNLIMITED = '9223372036854775807'

/** What is left in a row of usage, as `admit_units` takes it. */
export const restsOf = (row: string): string =>
  all.map((quota) => `greatest(coalesce(${leftOf(quota, row)}, ${UNLIMITED}), 0)::int8`).join(', ')

/** Rows of SQL for notices, of a row of usage: counter, used, limit, begin and end of its period. */
export const noticeRows = (row: string): string =>
  all
    .filter(({ hasNotices }) => hasNotices)
    .map((quota) => {
      const { begin, end } = periods[quota.period]
      const [used, limit] = [usedOf(quota, row), `${row}.${quota.limit}`]
      return `('${quota.counter}', (${used})::int8, ${limit}::int8, ${begin(`${row}.day`)}, ${end(`${row}.day`)})`
    })
    .join(', ')

const proved = all.flatMap(({ counter, proof }) => (proof ? [{ counter, ...proof }] : []))

/** A select list of what the messages of a day say, a column for each counter that is proved. */
export const STORED_COLUMNS = proved
  .map(({ counter, stored }) => `coalesce(${stored}, 0) as ${counter}`)
  .join(', ')

/** Rows of SQL that compare a row `u` of usage with the stored columns of `l`: counter, counted, stored. */
export const PROOF_ROWS = proved
  .map(({ counter, counted }) => `('${counter}', ${counted}, coalesce(l.${counter}, 0))`)
  .join(', ')

/** Arguments of `jsonb_build_object` for the limits of `limits`, as a row of usage has them. */
export const limitsAsJson = (limits: string): string =>
  all.map(({ limit }) => `'${limit}', ${limits}.${limit}`).join(', ')
