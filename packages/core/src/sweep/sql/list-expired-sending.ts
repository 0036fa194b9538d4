import type { Queryable } from '@lettergate/db/pool'
import { type ExpiredClaim, listExpired } from '../../lost-workers/index.ts'

/** Lists attempts without a result in time: their outcome is unknown. */
export const listExpiredSending = (db: Queryable, limit: number): Promise<ExpiredClaim[]> =>
  listExpired(db, 'sending', limit)
