import { setTimeout as sleep } from 'node:timers/promises'
import { createBatcher } from '@lettergate/db/batcher'
import type { Queryable } from '@lettergate/db/pool'
import type { Tenants } from '@lettergate/db/tenant-scope'
import type { Egress } from '@lettergate/egress/egress'
import type { CredentialRenewer } from '../connections/index.ts'
import { type Claim, releaseClaims } from '../dispatch/index.ts'
import { type Failpoint, retryQuery, SENDING_LEASE_MS } from '../lib/index.ts'
import type { Router } from '../routing/index.ts'
import { noThrottle, type Throttle } from '../throttle/index.ts'
import { type Again, type AttemptResult, createAttempt, type PoolHeldWhy, type Waits } from './attempt.ts'
import { createBudget } from './byte-budget.ts'
import { createCalls } from './call-provider.ts'
import type { Recorder } from './record.ts'
import { beginSending, type Fence } from './sql/begin-sending.ts'
import { type DeferredClaim, deferClaims } from './sql/defer-claims.ts'
import { type LoadedMessage, loadClaimed } from './sql/load-claimed.ts'
import { type PoolAsk, type PoolShare, takePoolShares } from './sql/take-pool-shares.ts'
import { createSlots, SlotsStopped } from './tenant-slots.ts'
import type { ReturnPaths } from './with-sender.ts'

export type { AttemptResult } from './attempt.ts'

export type Deliverer = {
  /** Sends one claimed message; resolves when the outcome is written or the claim is given up. */
  deliver(claim: Claim): Promise<void>
  /** Calls to providers in progress. */
  busy(): number
  /** Starts no new attempts; aborts calls still in progress after `graceMs` and records their known outcome. */
  stop(graceMs: number): void
}

const BATCH_MAX = 200
/** Bytes of large messages in memory; above it, they wait for their turn. */
const CONTENT_BYTES_MAX = 224 * 1024 * 1024
/** Smaller messages are bounded by the concurrency and never wait for large ones. */
const SMALL_BYTES_MAX = 64 * 1024
/** While a call lasts: the content, the mail with it in base64, and at worst that in base64 again (MIME in JSON). */
const BYTES_PER_CONTENT_BYTE = 4.2
/** Messages with a shorter wait stay in this process, without a slot; a claim lasts ten times as long. */
const IN_HAND_MS = 1_000
/** Messages up to this size stay in memory while they wait; with at most 2,000 claims, 32 MB in all. */
const KEPT_BYTES_MAX = 16 * 1024
/** Longest wait in this process: then the message is deferred, before its claim expires. */
const IN_HAND_MS_MAX = 4_000
/**
 * Retries queries about a claim for 20 s, so that a short database outage loses no claim. Far below the lease of an attempt.
 */
const ASK_MS = 20_000

/** Sends claimed messages, within the bounds of this process: concurrency, by tenant and in all, and bytes in memory. */
export function createDeliverer(deps: {
  pool: Queryable
  tenants: Tenants
  router: Router
  recorder: Recorder
  egress: Pick<Egress, 'request' | 'connect' | 'forTenant'>
  secrets: Pick<CredentialRenewer, 'renew'>
  /** Absent: no throttle. */
  throttle?: Pick<Throttle, 'know' | 'availabilityOf' | 'admit' | 'queue'>
  slots: number
  failpoint: Failpoint
  /** Absent: bounces go to the author. */
  returnPaths?: ReturnPaths
  /** The time that calls are signed with; this machine's when absent. */
  now?: () => number
  onAttempt: (attempt: AttemptResult) => void
  onPoolHeld?: (why: PoolHeldWhy) => void
  onError: (error: unknown) => void
}): Deliverer {
  const { now = Date.now, throttle = noThrottle } = deps
  const slots = createSlots(deps.slots)
  const budget = createBudget(CONTENT_BYTES_MAX, SMALL_BYTES_MAX * BYTES_PER_CONTENT_BYTE)
  const calls = createCalls({ ...deps, now })
  let giveUpAt = Number.POSITIVE_INFINITY

  /** Runs batches of up to 200, two at a time. */
  function batched<I, O>(run: (items: I[]) => Promise<(O | Error)[]>) {
    return createBatcher<I, O>({
      run: (items) => {
        const until = performance.now() + ASK_MS
        return retryQuery(() => run(items), { until: () => Math.min(until, giveUpAt), onError: deps.onError })
      },
      itemsMax: BATCH_MAX,
    })
  }

  const loadBatch = batched<Claim, LoadedMessage | null>(async (claims) => {
    const loaded = await loadClaimed(deps.pool, claims, 'claimed')
    const byEpoch = new Map(loaded.map((message) => [message.epoch, message]))
    return claims.map((claim) => byEpoch.get(claim.epoch) ?? null)
  })
  const fenceBatch = batched<Fence, { attempt: number; startedAt: Date } | null>((items) =>
    beginSending(deps.pool, items, SENDING_LEASE_MS),
  )
  const shareBatch = batched<PoolAsk, PoolShare>((asks) => takePoolShares(deps.pool, asks))
  const releaseBatch = batched<Claim, void>((claims) =>
    releaseClaims(deps.pool, claims).then(() => claims.map(() => undefined)),
  )
  const deferBatch = batched<DeferredClaim, void>((items) =>
    deferClaims(deps.pool, items).then(() => items.map(() => undefined)),
  )
  const attempt = createAttempt({
    ...deps,
    now,
    throttle,
    calls,
    load: loadBatch.add,
    takeShare: shareBatch.add,
    fence: (fence) =>
      fenceBatch.add({ ...fence, token: Math.floor(Math.random() * Number.MAX_SAFE_INTEGER) }),
  })

  /** Makes one attempt, holding a slot and the bytes of the message. */
  async function tryOnce(claim: Claim, again: Again): Promise<Waits | null> {
    const releaseSlot = await slots.acquire(claim)
    // Large bulk mail of a tenant has a budget share of its own, so that it does not delay the tenant's transactional mail.
    const taker = claim.isBulk ? `${claim.tenantId} bulk` : claim.tenantId
    const releaseBytes = await budget.take(taker, claim.contentBytes * BYTES_PER_CONTENT_BYTE)
    try {
      return await attempt(claim, again)
    } finally {
      releaseBytes()
      releaseSlot()
    }
  }

  /** Waits in this process without slot or bytes and answers null; otherwise answers how long to defer the message. */
  async function waitInHand(
    claim: Claim,
    { connectionId, why, ms }: Waits,
    until: number,
  ): Promise<number | null> {
    if (performance.now() > until) return ms ?? IN_HAND_MS
    if (ms === null) {
      const left = await throttle.queue(connectionId, claim.isBulk)
      return left === 0 ? null : left
    }
    if (why !== 'rate' || ms > IN_HAND_MS) return ms
    await sleep(ms)
    return null
  }

  async function deliver(claim: Claim): Promise<void> {
    const until = performance.now() + IN_HAND_MS_MAX
    const again: Again = { reservedAt: null, message: null }
    for (;;) {
      const waiting = await tryOnce(claim, again)
      if (!waiting) return
      const { connectionId, why, version } = waiting
      const inMs = await waitInHand(claim, waiting, until)
      if (inMs !== null)
        return deferBatch.add({
          messageId: claim.messageId,
          epoch: claim.epoch,
          inMs,
          connectionId,
          why,
          version,
        })
      if (why === 'rate') again.reservedAt = connectionId
      again.message = claim.contentBytes <= KEPT_BYTES_MAX ? waiting.message : null
    }
  }

  return {
    async deliver(claim) {
      try {
        await deliver(claim)
      } catch (error) {
        if (error instanceof SlotsStopped) return releaseBatch.add(claim)
        throw error
      }
    },
    busy: () => slots.busy(),
    stop(graceMs) {
      slots.stop()
      giveUpAt = performance.now() + graceMs
      setTimeout(() => calls.abort(), graceMs).unref()
    },
  }
}
