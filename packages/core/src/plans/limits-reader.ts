import { Problem } from '@lettergate/contracts/problems/problems'
import type { Queryable } from '@lettergate/db/pool'
import { LRUCache } from 'lru-cache'
import { fromStorage, readOnce } from '../lib/index.ts'
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
  async function read(tenantId: string): Promise<Limits> {
    const limits = await fromStorage(readLimits(pool, tenantId))
    if (!limits) throw new Problem('not-found')
    return limits
  }
  return { limitsOf: (tenantId) => readOnce(cache, tenantId, () => read(tenantId)) }
}
