import type { SendOutcome } from '@lettergate/providers/provider'
import type { Candidate } from '../connections/index.ts'
import type { Claim } from '../dispatch/index.ts'
import { CALL_DEADLINE_MS, type Failpoint, NO_POOL_SHARE, POOL_TARGET } from '../lib/index.ts'
import { cannotCarry, type Route, type Router } from '../routing/index.ts'
import { type Permit, type Throttle, type WaitWhy, waitReasons } from '../throttle/index.ts'
import { failedTriesOf, unrecognisedOf } from './attempt-history.ts'
import type { Calls } from './call-provider.ts'
import { carriedOf } from './carried-of.ts'
import { type Choice, choose, failedTries, NO_OTHERS, othersOf, type View } from './choose-connection.ts'
import { toHeldRecord, toRecord, toSuppressedRecord, toSuspendedRecord, toUnknownRecord } from './outcome.ts'
import { toPoolHeldRecord } from './pool-hold.ts'
import type { Recorder } from './record.ts'
import { gaveUp, isOver } from './retry-end.ts'
import { atLeastMs } from './retry-schedule.ts'
import { pendingRecipients, type SelectedRecipients, selectRecipients } from './select-recipients.ts'
import type { Fence } from './sql/begin-sending.ts'
import type { LoadedMessage } from './sql/load-claimed.ts'
import type { PoolAsk, PoolShare } from './sql/take-pool-shares.ts'

type Message = LoadedMessage
type Candidates = Extract<Route, { kind: 'candidates' }>

/** Why the shared pool does not carry a message now: its share of the day, a pause, an unproved sender, or what the message asks for. */
export type PoolHeldWhy = 'share' | 'paused' | 'sender' | 'message'

/** Result of one call, for the metrics. */
export type AttemptResult = {
  provider: string
  outcome: SendOutcome['kind']
  sinceAcceptMs: number
  callMs: number
  /** By a connection of the shared pool. */
  byPool: boolean
}

/** A message that its connection cannot take now. Nothing was written, and no attempt counts. */
export type Waits = {
  connectionId: string
  why: WaitWhy
  /** Null: until a call of the connection ends. */
  ms: number | null
  /** The version of the tenant's connections used for this decision. */
  version: number
  message: LoadedMessage
}

export type AttemptDeps = {
  load: (claim: Claim) => Promise<Message | null>
  takeShare: (ask: PoolAsk) => Promise<PoolShare>
  fence: (fence: Omit<Fence, 'token'>) => Promise<{ attempt: number; startedAt: Date } | null>
  router: Router
  throttle: Pick<Throttle, 'know' | 'availabilityOf' | 'admit'>
  recorder: Recorder
  calls: Calls
  failpoint: Failpoint
  now: () => number
  onAttempt: (attempt: AttemptResult) => void
  onPoolHeld?: (why: PoolHeldWhy) => void
}

/** State of a message that has waited in this process. */
export type Again = {
  /** The connection at which a sending time was reserved for it. */
  reservedAt: string | null
  /** The loaded message; null: load it. The fence checks whether the claim still holds. */
  message: LoadedMessage | null
}

/** The decisions made before the fence. */
type Plan = {
  message: Message
  route: Candidates
  view: View
  candidate: Candidate
  choice: Choice
  selected: SelectedRecipients
  permit: Permit
}

/** Whether any recipient was refused. */
const isRefusing = (outcome: SendOutcome) => outcome.kind !== 'accepted' || outcome.refused !== undefined

/** Unrecognised refusals of recipients that are still pending. */
function unrecognisedIn(message: Message) {
  const waiting = new Set(pendingRecipients(message).map(({ position }) => position))
  return unrecognisedOf(message.tries).filter(({ position }) => waiting.has(position))
}

/** Limits that last for hours, so that another connection carries the message. */
const LONG_WAITS: ReadonlySet<WaitWhy> = new Set(['day', 'rate-far'])

type UsedUp = ReadonlyMap<Candidate, Waits>

function without(usedUp: UsedUp, route: Candidates): Candidates {
  if (usedUp.size === 0) return route
  return { ...route, candidates: route.candidates.filter((candidate) => !usedUp.has(candidate)) }
}

const isOfPool = ({ ownerId }: Candidate) => ownerId !== undefined

function whyHeld(route: Route, reason: string): PoolHeldWhy {
  if (reason === NO_POOL_SHARE) return 'share'
  const faults = route.kind === 'candidates' ? [...(route.faults?.values() ?? [])] : []
  if (faults.some(({ code }) => code === 'provider-required')) return 'paused'
  return faults.some(({ code }) => code === 'sender-not-allowed') ? 'sender' : 'message'
}

function withoutPool(route: Candidates): Candidates {
  return { ...route, candidates: route.candidates.filter((candidate) => !isOfPool(candidate)) }
}

function alsoSkipped(usedUp: UsedUp, choice: Choice): Choice {
  if (usedUp.size === 0) return choice
  const skipped = Array.from(usedUp, ([candidate, { connectionId, why }]) => ({
    connection: isOfPool(candidate) ? POOL_TARGET : connectionId,
    why: waitReasons[why],
  }))
  return { ...choice, skipped: [...skipped, ...choice.skipped] }
}

/** How long from now the provider recognises a repeat by its key, counted from the first attempt that may have been accepted. */
function repeatWindowMs(
  { unknownAttempt }: SelectedRecipients,
  { provider }: Candidate,
  now: number,
): number {
  const since = unknownAttempt ? now - unknownAttempt.startedAt.getTime() : 0
  return provider.capabilities.idempotencyWindowMs - since
}

/**
 * Makes one attempt: chooses a connection, gets its permit, commits "sending", calls the provider, commits the outcome. Answers what the
 * message waits for if it could not start; null: done, or the claim is lost.
 */
export function createAttempt(deps: AttemptDeps): (claim: Claim, again: Again) => Promise<Waits | null> {
  const { now } = deps

  async function attempt(plan: Plan, claim: Claim): Promise<void> {
    const { message, candidate, selected, permit } = plan
    await deps.failpoint('before_fence', message.tags)
    // Read before the query: a process suspended meanwhile has less of its lease left than it seems.
    const fencedAt = performance.now()
    const fence = await deps.fence({
      messageId: claim.messageId,
      epoch: claim.epoch,
      connectionId: candidate.connectionId,
      provider: candidate.provider.id,
    })
    if (!fence) return
    await deps.failpoint('after_fence_before_call', message.tags)
    const window = repeatWindowMs(selected, candidate, now())
    const startedAt = performance.now()
    const outcome = await deps.calls.call({
      message,
      candidate,
      fencedAt,
      carried: selected.carried,
      attempt: fence.attempt,
    })
    permit.ended(outcome, deps.calls.isAborted())
    await deps.failpoint('after_provider_ack_before_db', message.tags)
    deps.onAttempt({
      provider: candidate.provider.id,
      outcome: outcome.kind,
      sinceAcceptMs: now() - message.createdAt.getTime(),
      callMs: performance.now() - startedAt,
      byPool: isOfPool(candidate),
    })
    const context = {
      number: fence.attempt,
      connectionId: candidate.connectionId,
      provider: candidate.provider.id,
      startedAt: fence.startedAt,
      repeatWindowMs: window,
      selected,
      choice: plan.choice,
      failedBefore: failedTries(plan.view.tries, candidate),
      ...(isRefusing(outcome) ? othersOf(plan.route, candidate, plan.view) : NO_OTHERS),
      byPool: isOfPool(candidate),
    }
    await deps.recorder.record(toRecord(message, context, outcome))
  }

  /** No call to a connection of the pool is made for a message without a share of the pool. */
  async function shareOf(claim: Claim, message: Message, permit: Permit): Promise<PoolShare> {
    const { tenantId, messageId, epoch } = claim
    try {
      const share = await deps.takeShare({ tenantId, messageId, epoch })
      await deps.failpoint('after_pool_share', message.tags)
      return share
    } catch (error) {
      permit.ended(null)
      throw error
    }
  }

  /**
   * Chooses until a connection grants a permit. The pool is left out once it has no share for the message. A probe that another call has taken is not chosen again; a connection whose limit is used up
   * for hours is skipped while another one may carry the message.
   */
  async function plan(
    claim: Claim,
    message: Message,
    offered: Candidates,
    view: View,
    reservedAt: string | null,
  ): Promise<Plan | Waits | string | null> {
    const version = message.connectionsVersion
    const usedUp = new Map<Candidate, Waits>()
    let route = offered
    let soonest: Waits | null = null
    for (;;) {
      const chosen = choose(without(usedUp, route), view)
      if (chosen.kind !== 'use' && soonest) return soonest
      if (chosen.kind === 'none') return route === offered ? chosen.reason : NO_POOL_SHARE
      if (chosen.kind === 'wait') {
        const { connectionId, why, ms } = chosen
        return { connectionId, why, ms: atLeastMs(ms), version, message }
      }
      const { candidate, isProbe } = chosen
      const selected = selectRecipients(message, candidate.provider.capabilities)
      const choice: Choice = {
        ...alsoSkipped(usedUp, chosen.choice),
        ...(selected.singleTries !== null && { alone: true }),
      }
      const hasTime = reservedAt !== null && reservedAt === candidate.connectionId
      const isBulk = message.stream === 'bulk'
      const ofOwner = isOfPool(candidate) ? message.poolVersion : version
      const call = { isProbe, isBulk, hasTime, recipients: selected.carried.length, version: ofOwner }
      const asked = deps.throttle.admit(candidate, call)
      const admission = asked instanceof Promise ? await asked : asked
      if (admission.kind === 'go') {
        const { permit } = admission
        const lacksShare = isOfPool(candidate) && message.poolDay === null
        const share = lacksShare ? await shareOf(claim, message, permit) : null
        if (share === null || share.kind === 'counted')
          return { message, route, view, candidate, choice, selected, permit }
        permit.ended(null)
        if (share.kind === 'lost') return null
        route = withoutPool(route)
        continue
      }
      if (admission.kind === 'taken' || candidate.connectionId === null) continue
      const { connectionId } = candidate
      if (admission.kind === 'full')
        return { connectionId, why: hasTime ? 'rate' : 'concurrency', ms: null, version, message }
      const ms = admission.why === 'paused' ? atLeastMs(admission.ms) : admission.ms
      const waits: Waits = { connectionId, why: admission.why, ms, version, message }
      if (!LONG_WAITS.has(admission.why)) return waits
      usedUp.set(candidate, waits)
      if (!soonest || ms < (soonest.ms ?? 0)) soonest = waits
    }
  }

  return async (claim, { reservedAt, message: kept }) => {
    const message = kept ?? (await deps.load(claim))
    if (!message) return null
    await deps.failpoint('after_load', message.tags)
    const suppressed = toSuppressedRecord(message)
    if (suppressed) {
      await deps.recorder.record(suppressed)
      return null
    }
    const { unknownAttempt } = selectRecipients(message)
    // Only the provider that may have accepted the message can recognise a repeat.
    const wanted = unknownAttempt ? { ...message, connectionId: unknownAttempt.connectionId } : message
    const route = await deps.router.route(wanted)
    const mayBePool = route.kind === 'candidates' && route.candidates.some(isOfPool)
    const giveUp = (reason: string) => {
      if (unknownAttempt) return deps.recorder.record(toUnknownRecord(message, reason))
      if (!mayBePool) return deps.recorder.record(toHeldRecord(message, reason))
      deps.onPoolHeld?.(whyHeld(route, reason))
      return deps.recorder.record(toPoolHeldRecord(message, reason, now()))
    }
    if (route.kind === 'none') {
      if (route.isSuspended) await deps.recorder.record(toSuspendedRecord(message, route.reason))
      else await giveUp(route.reason)
      return null
    }
    const unknown = deps.throttle.know(message.tenantId, route.candidates)
    if (unknown) await unknown
    const carried = carriedOf(message, pendingRecipients(message))
    const view: View = {
      tries: failedTriesOf(message.tries),
      unrecognised: unrecognisedIn(message),
      availabilityOf: deps.throttle.availabilityOf,
      incompatibilityOf: (candidate) =>
        unknownAttempt
          ? null
          : (route.faults?.get(candidate) ?? cannotCarry(candidate.provider.capabilities, carried)),
      now: now(),
    }
    const planned = await plan(claim, message, route, view, reservedAt ?? message.reservedAt ?? null)
    if (planned === null) return null
    if (typeof planned === 'string') {
      await giveUp(planned)
      return null
    }
    if ('why' in planned) {
      // Waiting for a limit is the tenant's wish; a connection that is down until the retry limit is not.
      const isDown = planned.why === 'circuit' || planned.why === 'paused'
      if (!isDown || !isOver(message)) return planned
      await giveUp(gaveUp(message.retryHours, 'the connection did not work'))
      return null
    }
    try {
      const window = repeatWindowMs(planned.selected, planned.candidate, now())
      if (unknownAttempt && window <= CALL_DEADLINE_MS)
        await giveUp('its provider no longer recognises a repeat')
      else await attempt(planned, claim)
    } finally {
      // Has no effect after the call has reported its outcome.
      planned.permit.ended(null)
    }
    return null
  }
}
