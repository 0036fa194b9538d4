import type { Queryable } from '@lettergate/db/pool'
import { type ExpiredClaim, listExpired } from '../../lost-workers/index.ts'

/** Lists hand-offs without a result in time: nobody knows whether the provider took the message. */
export const listExpiredSending = (db: Queryable, limit: number): Promise<ExpiredClaim[]> =>
  listExpired(db, 'sending', limit)
