import { Problem } from '@lettergate/contracts/problems/problems'
import { type Counter, quotas, type UsageColumns, wordsOf } from './quotas.ts'

/** `limit` null: there is none. `resetSeconds`: until it begins anew. */
export type CounterState = { used: number; limit: number | null; resetSeconds: number }

/** A tenant's counters in one mode, after a request. */
export type QuotaState = Record<Counter, CounterState>

/** A state made for each counter. */
export const eachCounter = (stateOf: (counter: Counter) => CounterState): QuotaState => ({
  day: stateOf('day'),
  month: stateOf('month'),
  pool: stateOf('pool'),
  bytes: stateOf('bytes'),
})

/** Null: there is no row of usage. */
export function toQuotaState(row: UsageColumns): QuotaState | null {
  if (row.day_used === null || row.day_limit === null) return null
  return eachCounter((counter) => ({
    used: row[`${counter}_used`] ?? 0,
    limit: row[`${counter}_limit`],
    resetSeconds: row[`${quotas[counter].period}_seconds`],
  }))
}

export type Refusal = {
  counter: Counter
  /** Recipients, or bytes. */
  requested: number
}

/** The refusal of a request that needs more than a counter has left. */
export function quotaExceeded(quota: QuotaState, { counter, requested }: Refusal): Problem {
  const { used, limit, resetSeconds } = quota[counter]
  const { unit, period } = wordsOf(counter)
  const left = Math.max(0, (limit ?? 0) - used)
  const advice = counter === 'pool' ? ' Add a connection of your own, or try again after the reset.' : ''
  return new Problem(counter === 'pool' ? 'provider-required' : 'quota-exceeded', {
    detail: `This needs ${requested} ${unit}, but ${left} of ${limit ?? 0} are left ${period}. Nothing was accepted.${advice}`,
    headers: { 'retry-after': String(Math.max(1, resetSeconds)) },
  })
}
