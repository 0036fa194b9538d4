import { Problem } from '@lettergate/contracts/problems/problems'
import type { Queryable } from '@lettergate/db/pool'
import { LRUCache } from 'lru-cache'
import { fromStorage } from '../lib/index.ts'
import { type Limits, readLimits } from './sql/read-limits.ts'

/** A change of limits counts after this time at the latest. */
const TTL_MS = 4_000
const TENANTS_MAX = 5_000

export type LimitsReader = {
  /** As read within the last four seconds. */
  limitsOf(tenantId: string): Promise<Limits>
}

export function createLimitsReader({ pool }: { pool: Queryable }): LimitsReader {
  const cache = new LRUCache<string, Promise<Limits>>({ max: TENANTS_MAX, ttl: TTL_MS })
  return {
    limitsOf(tenantId) {
      const cached = cache.get(tenantId)
      if (cached) return cached
      const reading = fromStorage(readLimits(pool, tenantId)).then((limits) => {
        if (!limits) throw new Problem('not-found')
        return limits
      })
      cache.set(tenantId, reading)
      reading.catch(() => cache.delete(tenantId))
      return reading
    },
  }
}
