import { createBatcher } from '@lettergate/db/batcher'
import type { Pool } from '@lettergate/db/pool'
import type { Claim } from '@lettergate/db/sql/claim-messages'
import { type Fence, fenceSending } from '@lettergate/db/sql/fence-sending'
import { type LoadedMessage, loadClaimed } from '@lettergate/db/sql/load-claimed'
import { unclaimMessages } from '@lettergate/db/sql/unclaim-messages'
import type { Tenants } from '@lettergate/db/tenant-database'
import type { Egress } from '@lettergate/egress/egress'
import { toFailure } from '@lettergate/providers/failures'
import type { Io, SendOutcome } from '@lettergate/providers/provider'
import { withoutSecrets } from '@lettergate/providers/redact'
import { createBudget } from './budget.ts'
import type { Failpoint } from './failpoint.ts'
import { CALL_DEADLINE_MS, SENDING_LEASE_MS } from './leases.ts'
import { toOutbound } from './outbound.ts'
import { type AttemptContext, toHeldRecord, toRecord, toUnsureRecord } from './outcome.ts'
import type { Recorder } from './record.ts'
import type { Route, Router } from './route.ts'
import { createSlots, SlotsStopped } from './slots.ts'

type Message = LoadedMessage
type Usable = Extract<Route, { kind: 'route' }>

export type HandOff = {
  provider: string
  outcome: SendOutcome['kind']
  sinceAcceptMs: number
  callMs: number
}

export type Deliverer = {
  /** Carries one claimed message to its provider; resolves when the result is written or the claim is given up. */
  deliver(claim: Claim): Promise<void>
  /** Calls to providers under way. */
  busy(): number
  /** Starts nothing new; calls still under way after `graceMs` are aborted, and recorded as what is known of them. */
  stop(graceMs: number): void
}

const BATCH_MAX = 200
/** Bytes of message content in memory; above it, messages wait for their turn. */
const CONTENT_BYTES_MAX = 128 * 1024 * 1024

/** The hand-off: choose a connection, commit "sending", call the provider, commit the outcome. */
export function createDeliverer(deps: {
  pool: Pool
  tenants: Tenants
  router: Router
  recorder: Recorder
  egress: Egress
  slots: number
  failpoint: Failpoint
  /** The time that calls are signed with; this machine's when absent. */
  now?: () => number
  onHandOff: (handOff: HandOff) => void
  onError: (error: unknown) => void
}): Deliverer {
  const { now = Date.now } = deps
  const slots = createSlots(deps.slots)
  const budget = createBudget(CONTENT_BYTES_MAX)
  const calls = new Set<AbortController>()

  const loads = createBatcher<Claim, Message | null>({
    run: async (claims) => {
      const loaded = await loadClaimed(deps.pool, claims, 'claimed')
      const byEpoch = new Map(loaded.map((message) => [message.epoch, message]))
      return claims.map((claim) => byEpoch.get(claim.epoch) ?? null)
    },
    itemsMax: BATCH_MAX,
    inFlightMax: 2,
    waitingMax: Number.POSITIVE_INFINITY,
  })
  const fences = createBatcher<Fence, { attempt: number; startedAt: Date } | null>({
    run: (items) => fenceSending(deps.pool, items, SENDING_LEASE_MS),
    itemsMax: BATCH_MAX,
    inFlightMax: 2,
    waitingMax: Number.POSITIVE_INFINITY,
  })
  const returns = createBatcher<Claim, void>({
    run: async (claims) => {
      await unclaimMessages(deps.pool, claims)
      return claims.map(() => undefined)
    },
    itemsMax: BATCH_MAX,
    inFlightMax: 2,
    waitingMax: Number.POSITIVE_INFINITY,
  })

  async function call(
    message: Message,
    route: Usable,
    attempt: AttemptContext,
    fencedAt: number,
  ): Promise<SendOutcome> {
    const controller = new AbortController()
    const { signal } = controller
    const timer = setTimeout(() => controller.abort(new Error('the call took too long')), CALL_DEADLINE_MS)
    calls.add(controller)
    const io: Io = {
      request: (request) => deps.egress.request(request, { signal, timeoutMs: CALL_DEADLINE_MS }),
      connect: (target) => deps.egress.connect({ ...target, signal }),
      now: () => new Date(now()),
      signal,
    }
    let called = false
    try {
      const outbound = await toOutbound(deps.tenants.forTenant(message.tenantId), message)
      // A process that was frozen meanwhile may have lost its lease to the sweeper.
      if (performance.now() - fencedAt > SENDING_LEASE_MS / 2)
        return toFailure('recipient-deferred', 'the worker was suspended before it could send')
      called = true
      const outcome = await route.provider.send(outbound, route.connection, io)
      return withoutSecrets(outcome, route.connection.credentials)
    } catch (error) {
      deps.onError(error)
      const code = called ? 'outcome-unknown' : 'provider-unavailable'
      return toFailure(code, `internal error during attempt ${attempt.number}`)
    } finally {
      clearTimeout(timer)
      calls.delete(controller)
    }
  }

  async function attempt(
    message: Message,
    route: Usable,
    fence: { attempt: number; startedAt: Date },
    fencedAt: number,
  ): Promise<void> {
    const context: AttemptContext = {
      number: fence.attempt,
      connectionId: route.connectionId,
      provider: route.provider.id,
      startedAt: fence.startedAt,
      repeatWindowMs: repeatWindowMs(message, route, now()),
    }
    const startedAt = performance.now()
    const outcome = await call(message, route, context, fencedAt)
    await deps.failpoint('after_provider_ack_before_db')
    deps.onHandOff({
      provider: route.provider.id,
      outcome: outcome.kind,
      sinceAcceptMs: now() - message.createdAt.getTime(),
      callMs: performance.now() - startedAt,
    })
    await deps.recorder.record(toRecord(message, context, outcome))
  }

  async function handOff(claim: Claim): Promise<void> {
    const message = await loads.add(claim)
    if (!message) return
    const { unsure } = message
    // Only the provider that may have taken it can recognise a repeat.
    const wanted = unsure ? { ...message, connectionId: unsure.connectionId } : message
    const route = await deps.router.route(wanted)
    if (unsure && route.kind === 'none') return deps.recorder.record(toUnsureRecord(message, route.reason))
    if (route.kind === 'none') return deps.recorder.record(toHeldRecord(message, route.reason))
    if (unsure && repeatWindowMs(message, route, now()) <= CALL_DEADLINE_MS)
      return deps.recorder.record(
        toUnsureRecord(message, 'its provider would not recognise a repeat any more'),
      )
    await deps.failpoint('before_fence')
    // Taken before it is asked for: a process that is suspended meanwhile has less of its lease left than it seems.
    const fencedAt = performance.now()
    const fence = await fences.add({
      messageId: claim.messageId,
      epoch: claim.epoch,
      connectionId: route.connectionId,
      provider: route.provider.id,
    })
    if (!fence) return
    await deps.failpoint('after_fence_before_call')
    await attempt(message, route, fence, fencedAt)
  }

  return {
    async deliver(claim) {
      let releaseSlot: () => void
      try {
        releaseSlot = await slots.acquire(claim.tenantId)
      } catch (error) {
        if (error instanceof SlotsStopped) return returns.add(claim)
        throw error
      }
      const releaseBytes = await budget.take(claim.contentBytes)
      try {
        await handOff(claim)
      } finally {
        releaseBytes()
        releaseSlot()
      }
    },
    busy: () => slots.busy(),
    stop(graceMs) {
      slots.stop()
      setTimeout(() => {
        for (const controller of calls) controller.abort(new Error('the worker stops'))
      }, graceMs).unref()
    },
  }
}

/** For how long from now the provider recognises this message by its key: from the first try that may have been taken. */
function repeatWindowMs({ unsure }: Message, { provider }: Usable, now: number): number {
  const since = unsure ? now - unsure.startedAt.getTime() : 0
  return provider.capabilities.idempotencyWindowMs - since
}
