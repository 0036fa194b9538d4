import { Problem } from '@lettergate/contracts/problems/problems'
import type { Queryable } from '@lettergate/db/pool'
import type { Tenants } from '@lettergate/db/tenant-scope'
import { fromStorage } from '../lib/index.ts'
import { ensureUsage, type QuotaState, type Refusal, reserveUsage } from '../usage/index.ts'
import { type MessageReader, type Reader, readExisting, type StoredMessage } from './read.ts'
import { lockForRetry, type RetryLock } from './sql/lock-for-retry.ts'
import { requeue } from './sql/requeue.ts'

export type RetryOutcome =
  | { kind: 'queued'; message: StoredMessage }
  | ({ kind: 'quota-exceeded'; quota: QuotaState } & Refusal)

const RETRYABLE = new Set(['failed', 'unknown', 'deferred', 'held'])
/** Counted on the message's day and not sent; one that is unknown is counted and may be sent; a failed one was refunded. */
const WAITING = new Set(['deferred', 'held', 'queued'])

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

/** Reserves quota for refunded recipients; null: there are none, or there is room. */
async function reserve(
  client: Queryable,
  message: { tenantId: string; id: string },
  { recipients }: RetryLock,
): Promise<Refused | null> {
  const count = (isOne: (status: string) => boolean) =>
    recipients.filter(({ status }) => isOne(status)).length
  const failed = count((status) => status === 'failed')
  if (failed === 0) return null
  // A message is counted on one day as a whole, so that a later give-back finds the right one.
  const { refusedBy, requested, quota } = await reserveUsage(client, message, {
    failed,
    waiting: count((status) => WAITING.has(status)),
    uncertain: count((status) => status === 'unknown'),
  })
  return refusedBy && { quota, counter: refusedBy, requested }
}

type Refused = { quota: QuotaState } & Refusal

/** Queues a message again, in a transaction of the caller; today's usage row must exist. Answers why it may not be; null: it is queued. */
export async function retryIn(
  client: Queryable,
  message: { tenantId: string; id: string },
): Promise<Problem | Refused | null> {
  const lock = await lockForRetry(client, message)
  if (!lock) return new Problem('not-found')
  const problem = wrongState(lock)
  if (problem) return problem
  const refused = await reserve(client, message, lock)
  if (refused) return refused
  const positions = lock.recipients
    .filter(({ status }) => RETRYABLE.has(status))
    .map(({ position }) => position)
  await requeue(client, message, positions)
  return null
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
      db.transaction((client) => retryIn(client, message)),
    ),
  )
  if (refused instanceof Problem) throw refused
  if (refused) return { kind: 'quota-exceeded', ...refused }
  return { kind: 'queued', message: await readExisting(deps.messages, reader, id) }
}
