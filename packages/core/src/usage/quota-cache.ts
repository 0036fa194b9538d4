import type { Queryable } from '@lettergate/db/pool'
import { LRUCache } from 'lru-cache'
import { eachCounter, type QuotaState } from './quota-state.ts'
import { readCounters } from './sql/read-counters.ts'

/** What an answer says may be older than this by nothing but the mail of other processes. */
const TTL_MS = 4_000
const TENANTS_MAX = 5_000

type Owner = { tenantId: string; mode: string }
type Known = { at: number; reading: Promise<QuotaState | null>; settled?: QuotaState | null }

export type QuotaCache = {
  /** As `read`, at once; undefined: it has to be read. */
  known(owner: Owner): QuotaState | null | undefined
  /** Counters of at most four seconds ago; null: not known. Many answers share one look. */
  read(owner: Owner): Promise<QuotaState | null>
  /** What a statement has just answered. */
  note(owner: Owner, quota: QuotaState): void
}

function aged(quota: QuotaState, seconds: number): QuotaState | null {
  if (quota.day.resetSeconds <= seconds) return null
  return eachCounter((counter) => ({
    ...quota[counter],
    resetSeconds: quota[counter].resetSeconds - seconds,
  }))
}

export function createQuotaCache(deps: { pool: Queryable; onError: (error: unknown) => void }): QuotaCache {
  const cache = new LRUCache<string, Known>({ max: TENANTS_MAX, ttl: TTL_MS })
  const keyOf = ({ tenantId, mode }: Owner) => `${tenantId} ${mode}`

  function look(owner: Owner): Known {
    const reading = readCounters(deps.pool, owner.tenantId, owner.mode).then(
      (now) => settle(now?.quota ?? null),
      (error: unknown) => {
        deps.onError(error)
        return settle(null)
      },
    )
    const known: Known = { at: performance.now(), reading }
    function settle(quota: QuotaState | null): QuotaState | null {
      known.settled = quota
      return quota
    }
    cache.set(keyOf(owner), known)
    return known
  }

  const agedNow = ({ at }: Known, quota: QuotaState | null) =>
    quota && aged(quota, Math.floor((performance.now() - at) / 1_000))

  return {
    known(owner) {
      const known = cache.get(keyOf(owner))
      return known?.settled === undefined ? undefined : agedNow(known, known.settled)
    },
    async read(owner) {
      const known = cache.get(keyOf(owner)) ?? look(owner)
      return agedNow(known, await known.reading)
    },
    note(owner, quota) {
      cache.set(keyOf(owner), { at: performance.now(), reading: Promise.resolve(quota), settled: quota })
    },
  }
}
