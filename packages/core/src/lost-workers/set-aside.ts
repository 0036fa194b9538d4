import type { Queryable } from '@lettergate/db/pool'
import {
  type AttemptContext,
  loadClaimed,
  NO_OTHERS,
  recordOutcomes,
  selectRecipients,
  type Takes,
  toRecord,
} from '../deliver/index.ts'
import { notify } from '../lib/index.ts'
import { type LostWorkers, WORKER_LOST } from './sql/lost-workers.ts'
import { type LostClaim, raiseLostWorkers } from './sql/raise-lost-workers.ts'
import { whichOfPool } from './sql/which-of-pool.ts'

export type LostDeps = {
  pool: Queryable
  /** For how long from now a provider recognises a repeat of an attempt that began then; 0 or less: not any more. */
  repeatWindowMs: (provider: string, startedAt: Date) => number
  /** The recipients that one call to a provider carries; absent: all. */
  takes?: (provider: string) => Takes | undefined
  /** Messages whose worker was lost, and what follows for them. */
  onLost?: (lost: LostWorkers) => void
}

/** Why a lost worker chose the connection is lost with it; while the outcome is unknown, no other connection may send the message. */
const NOTHING_KNOWN = { choice: null, ...NO_OTHERS }

/** Of the choice, only that it was the shared pool is known: its mail and its events are recorded apart. */
const BY_POOL: Pick<AttemptContext, 'choice' | 'byPool'> = {
  choice: { rule: 'lost', route: null, skipped: [], pool: true },
  byPool: true,
}

/** Records attempts with an expired lease as unknown, by the same rules as an unknown outcome of a live call. */
export async function recordLost(deps: LostDeps, lost: LostClaim[]): Promise<number> {
  const messages = await loadClaimed(deps.pool, lost, 'sending')
  const connectionIds = messages.flatMap(({ sending }) => sending?.connectionId ?? [])
  const ofPool = await whichOfPool(deps.pool, connectionIds)
  const records = messages.flatMap((message) => {
    const { sending } = message
    if (!sending) return []
    const selected = selectRecipients(message, deps.takes?.(sending.provider))
    const attempt = {
      number: message.attempts,
      ...sending,
      selected,
      ...NOTHING_KNOWN,
      ...(sending.connectionId !== null && ofPool.has(sending.connectionId) && BY_POOL),
      failedBefore: message.attempts,
      repeatWindowMs: deps.repeatWindowMs(
        sending.provider,
        selected.unknownAttempt?.startedAt ?? sending.startedAt,
      ),
    }
    return [toRecord(message, attempt, { kind: 'unknown', code: 'outcome-unknown', reason: WORKER_LOST })]
  })
  const notifications = await recordOutcomes(deps.pool, records)
  // Before any dispatcher is notified that it may be tried again.
  const recorded = new Set(records.map(({ epoch }) => epoch))
  const counted = lost.filter(({ epoch, inHand }) => inHand && recorded.has(epoch))
  const { aside } = await raiseLostWorkers(deps.pool, counted, 'recorded')
  deps.onLost?.({ released: 0, suspected: counted.length, aside })
  await notify(deps.pool, notifications)
  return records.length
}

/** Counts a dead process against its one message immediately, without waiting for the lease. */
export async function countLost(deps: LostDeps, claim: Omit<LostClaim, 'inHand'>): Promise<void> {
  const { tenantId, messageId, epoch } = claim
  const inHand = { tenantId, messageId, epoch, inHand: true }
  const lost = await raiseLostWorkers(deps.pool, [inHand], 'claimed')
  deps.onLost?.(lost)
  if (lost.released === 0) await recordLost(deps, [inHand])
}
