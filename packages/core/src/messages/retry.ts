import { Problem } from '@lettergate/contracts/problems/problems'
import type { Queryable } from '@lettergate/db/pool'
import type { Tenants } from '@lettergate/db/tenant-scope'
import { fromStorage } from '../lib/index.ts'
import { ensureUsage, type QuotaState, type Reservation, reserveUsage } from '../usage/index.ts'
import { type MessageReader, type Reader, readExisting, type StoredMessage } from './read.ts'
import { lockForRetry, type RetryLock } from './sql/lock-for-retry.ts'
import { requeue } from './sql/requeue.ts'

export type RetryOutcome =
  | { kind: 'queued'; message: StoredMessage }
  | { kind: 'quota-exceeded'; quota: QuotaState; requested: number }

const RETRYABLE = new Set(['failed', 'unknown', 'deferred', 'held'])
/** Statuses counted on the message's day until the outcome is known; a failed recipient was refunded. */
const COUNTED = new Set(['unknown', 'deferred', 'held', 'queued'])

function wrongState(lock: RetryLock): Problem | null {
  if (lock.outboxState === 'sending')
    return new Problem('wrong-state', { detail: 'The message is being sent now.' })
  if (lock.outboxState === 'ready' || lock.outboxState === 'claimed') {
    return new Problem('wrong-state', { detail: 'The message is about to be sent already.' })
  }
  if (!lock.hasContent) return new Problem('content-expired')
  if (lock.recipients.some(({ status }) => RETRYABLE.has(status))) return null
  return new Problem('wrong-state', { detail: 'No recipient has failed or waits for another try.' })
}

/** Reserves quota for refunded recipients; null if there are none. */
async function reserve(client: Queryable, message: { tenantId: string; id: string }, lock: RetryLock) {
  const failed = lock.recipients.filter(({ status }) => status === 'failed').length
  if (failed === 0) return null
  // A message is counted on one day as a whole, so that a later give-back finds the right one.
  const moved =
    lock.usageDay === lock.today ? 0 : lock.recipients.filter(({ status }) => COUNTED.has(status)).length
  const reservation = await reserveUsage(
    client,
    { ...message, mode: lock.mode },
    { add: failed + moved, moved },
  )
  return { reservation, requested: failed + moved }
}

function toQuota({ limit, used, resetSeconds }: Reservation): QuotaState {
  return { limit, used, resetSeconds }
}

/**
 * Puts the recipients of a message that failed, are unknown, or wait for another try back into the queue, due now.
 * For an unknown one this is the tenant's own decision that it may be sent twice.
 */
export async function retryMessage(
  deps: { tenants: Tenants; messages: MessageReader },
  reader: Reader,
  id: string,
): Promise<RetryOutcome> {
  await readExisting(deps.messages, reader, id)
  const message = { tenantId: reader.tenantId, id }
  const db = deps.tenants.forTenant(reader.tenantId)
  const refused = await fromStorage(
    ensureUsage(db, [{ id: reader.tenantId, mode: reader.mode }]).then(() =>
      db.transaction(async (client) => {
        const lock = await lockForRetry(client, message)
        if (!lock) throw new Problem('not-found')
        const problem = wrongState(lock)
        if (problem) throw problem
        const reserved = await reserve(client, message, lock)
        if (reserved && !reserved.reservation.reserved) return reserved
        const positions = lock.recipients
          .filter(({ status }) => RETRYABLE.has(status))
          .map(({ position }) => position)
        await requeue(client, message, positions)
        return null
      }),
    ),
  )
  if (refused)
    return { kind: 'quota-exceeded', quota: toQuota(refused.reservation), requested: refused.requested }
  return { kind: 'queued', message: await readExisting(deps.messages, reader, id) }
}
