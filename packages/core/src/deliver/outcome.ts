import { classOf } from '@lettergate/providers/lib/failures'
import type { RecipientRefusal, SendOutcome } from '@lettergate/providers/provider'
import type { Choice, Others } from './choose-connection.ts'
import { type PassedOn, passedOnBy, refusedBefore } from './pass-on.ts'
import { gaveUp, isOver } from './retry-end.ts'
import { askedDelayMs, retryDelayMs } from './retry-schedule.ts'
import { saysNoMailbox } from './says-no-mailbox.ts'
import { pendingRecipients, type SelectedRecipients, selectRecipients } from './select-recipients.ts'
import type { LoadedMessage, LoadedRecipient } from './sql/load-claimed.ts'
import type { OutcomeRecord, RecipientChange } from './sql/record-outcomes.ts'

export type AttemptContext = Others & {
  number: number
  connectionId: string | null
  provider: string
  startedAt: Date
  /**
   * How long from now the provider recognises a repeat by its key, counted from the first attempt that may have been accepted; 0 or less:
   * not at all.
   */
  repeatWindowMs: number
  selected: SelectedRecipients
  /** Why this connection; null: no longer known. */
  choice: Choice | null
  /** Safe failures of this message through this connection before this one. */
  failedBefore: number
  /** A connection of the shared pool makes it. */
  byPool?: boolean
}

type Verdict = { kind: 'sent' | 'failed' | 'unknown' | 'again'; reason: string | null }

const refusalVerdict = ({ kind, code, reason }: RecipientRefusal): Verdict => {
  // Sent in a call of its own (direct) whose answer was lost while other calls were answered.
  if (code === 'outcome-unknown') return { kind: 'unknown', reason }
  return { kind: kind === 'rejected' ? 'failed' : 'again', reason }
}

/** Whether the refusal is final for this connection only. */
function isForAnother(outcome: SendOutcome, { hasRoomier, hasReady }: AttemptContext): boolean {
  if (outcome.kind !== 'rejected') return false
  const { elsewhere } = classOf(outcome.code)
  return elsewhere === 'once' ? hasReady : elsewhere === true && hasRoomier
}

/** Whether the message was certainly not accepted, for a reason outside the message: another connection may carry it. */
function isSafe(outcome: SendOutcome, attempt: AttemptContext): boolean {
  if (outcome.kind === 'rejected') return outcome.scope === 'account' || isForAnother(outcome, attempt)
  return outcome.kind === 'deferred'
}

function verdictOf(
  outcome: SendOutcome,
  address: string,
  attempt: AttemptContext,
  mayRepeat: boolean,
  wasUnrecognised: boolean,
): Verdict {
  const refused =
    'refused' in outcome ? outcome.refused?.find((refusal) => refusal.address === address) : undefined
  if (refused) return refusalVerdict(refused)
  switch (outcome.kind) {
    case 'accepted':
      return { kind: 'sent', reason: null }
    case 'rejected':
      // A second unrecognised refusal is final.
      if (wasUnrecognised && classOf(outcome.code).elsewhere === 'once')
        return { kind: 'failed', reason: outcome.reason }
      // People repair accounts, and mail must not be lost over a password: retry.
      return { kind: isSafe(outcome, attempt) ? 'again' : 'failed', reason: outcome.reason }
    case 'deferred':
      return { kind: 'again', reason: outcome.reason }
    case 'unknown':
      return { kind: mayRepeat ? 'again' : 'unknown', reason: outcome.reason }
  }
}

/** Keeps the status unknown: after an attempt with unknown outcome, a later refusal does not prove that nothing was sent. */
function afterUnknownAttempt(verdict: Verdict, mayRepeat: boolean): Verdict {
  if (verdict.kind === 'sent' || (verdict.kind === 'again' && mayRepeat)) return verdict
  return { kind: 'unknown', reason: verdict.reason }
}

/**
 * Ends a recipient as unknown instead of failed if an earlier attempt may have reached it: a failure would refund quota for mail that may
 * have arrived.
 */
function withoutGiveBack(verdict: Verdict, { position }: LoadedRecipient, message: LoadedMessage): Verdict {
  if (verdict.kind !== 'failed' || !message.maybeTaken?.includes(position)) return verdict
  return { kind: 'unknown', reason: afterUnknownReason(verdict.reason) }
}

const afterUnknownReason = (reason: string | null) =>
  `${reason}, after an attempt that may have been accepted`

const CHANGES: Record<Verdict['kind'], Pick<RecipientChange, 'status' | 'event'>> = {
  sent: { status: 'sent', event: 'recipient.sent' },
  failed: { status: 'failed', event: 'recipient.failed' },
  unknown: { status: 'unknown', event: 'recipient.unknown' },
  again: { status: 'deferred', event: 'recipient.deferred' },
}

function toChange({ position }: LoadedRecipient, { kind, reason }: Verdict): RecipientChange {
  return { position, reason, ...CHANGES[kind] }
}

function toHeld({ position, status }: LoadedRecipient, reason: string): RecipientChange {
  return { position, status: 'held', reason, event: status === 'held' ? null : 'recipient.held' }
}

/** Earlier attempts that count for the backoff: not those for other recipients or by other connections. */
function triesBefore(outcome: SendOutcome, attempt: AttemptContext): number {
  const { number, selected, failedBefore } = attempt
  const ofConnection = isSafe(outcome, attempt) ? failedBefore : number
  return Math.min(number - 1, selected.singleTries ?? number, ofConnection)
}

/** The wait that the provider requested, and whether it holds for all deferred recipients. */
function askedOf(outcome: SendOutcome): { ms: number; byAll: boolean } {
  const ofAll = outcome.kind === 'deferred' ? outcome.retryAfterMs : undefined
  const refused = 'refused' in outcome ? (outcome.refused ?? []) : []
  const each = refused.flatMap(({ kind, retryAfterMs = 0 }) => (kind === 'deferred' ? [retryAfterMs] : []))
  const byEach = outcome.kind !== 'deferred' && each.length > 0 && each.every((ms) => ms > 0)
  return { ms: Math.max(0, ofAll ?? 0, ...each), byAll: ofAll !== undefined || byEach }
}

/** Wait until the next attempt: none while another connection can take over; otherwise as requested, or by backoff. */
function waitMs(outcome: SendOutcome, attempt: AttemptContext, random: () => number): number {
  const atMostMs = outcome.kind === 'accepted' ? undefined : classOf(outcome.code).waitMsMax
  if (atMostMs !== undefined) return Math.min(atMostMs, retryDelayMs(attempt.number, random))
  if (isSafe(outcome, attempt) && attempt.hasOther) return 0
  const tries = 1 + triesBefore(outcome, attempt)
  const { ms, byAll } = askedOf(outcome)
  return byAll ? askedDelayMs(ms, tries, random) : Math.max(ms, retryDelayMs(tries, random))
}

/** Recipients that the call did not try; if it tried none, all count as deferred. */
function untriedOf(
  outcome: SendOutcome,
  { carried, unknownAttempt }: SelectedRecipients,
): Set<LoadedRecipient> {
  const refused = 'refused' in outcome ? (outcome.refused ?? []) : []
  const addresses = new Set(
    refused.flatMap(({ address, kind, retryAfterMs }) =>
      kind === 'deferred' && retryAfterMs === 0 ? [address] : [],
    ),
  )
  const untried = unknownAttempt ? [] : carried.filter(({ address }) => addresses.has(address))
  return new Set(untried.length < carried.length ? untried : [])
}

/**
 * Recipients not affected by this rejection: the error may be about one recipient, and these were not named. If no recipient was named,
 * none is affected, and each gets a call of its own from then on. After an attempt with unknown outcome, all are affected.
 */
function sparedBy(
  outcome: SendOutcome,
  { carried, unknownAttempt }: SelectedRecipients,
): Set<LoadedRecipient> {
  if (outcome.kind !== 'rejected' || unknownAttempt || carried.length === 1) return new Set()
  if (classOf(outcome.code).mayBeOneOfMany !== true) return new Set()
  const named = new Set(outcome.refused?.map(({ address }) => address))
  return new Set(carried.filter(({ address }) => !named.has(address)))
}

/** Whether the failure concerns the connection: after a change of it, the message need not wait. */
function dependsOnConnection(outcome: SendOutcome): boolean {
  switch (outcome.kind) {
    case 'rejected':
      return outcome.scope === 'account'
    case 'deferred':
      return classOf(outcome.code).connection === 'fails'
    default:
      return false
  }
}

/** A record without an attempt, that gives nothing back. */
function baseRecord(message: LoadedMessage): Omit<OutcomeRecord, 'changes' | 'retryInMs'> {
  const { tenantId, messageId, epoch, mode, stream, usageDay, poolDay } = message
  const pool = poolDay === null ? {} : { pool: { byPool: false, holds: false } }
  return { tenantId, messageId, epoch, mode, stream, usageDay, attempt: null, giveBack: 0, ...pool }
}

/**
 * Derives the new status of each recipient from the outcome of an attempt, and when to retry. Pure.
 * 1. An unknown outcome is repeated only if that is safe or the tenant chose it. Retries end at the tenant's retry limit.
 * 2. Recipients that were left over, not tried, or not affected by the rejection follow immediately; no attempt counts for them.
 */
export function toRecord(
  message: LoadedMessage,
  attempt: AttemptContext,
  outcome: SendOutcome,
  random: () => number = Math.random,
): OutcomeRecord {
  const { selected } = attempt
  const { carried, unknownAttempt } = selected
  const passedOver = new Set([...untriedOf(outcome, selected), ...sparedBy(outcome, selected)])
  const before = refusedBefore(message)
  const passedOn = passedOnBy(outcome, selected, before, attempt)
  const leaving = new Set(passedOn.map(({ recipient }) => recipient))
  const tried = carried.filter((recipient) => !passedOver.has(recipient))
  const following = [...passedOver, ...selected.left]
  const delayMs = waitMs(outcome, unknownAttempt ? { ...attempt, hasOther: false } : attempt, random)
  const mayRepeat = delayMs < attempt.repeatWindowMs || message.onUnknown === 'resend'
  const isLast = isOver(message, delayMs)
  const staying = tried.filter((recipient) => !leaving.has(recipient))
  const changes = staying.map((recipient): RecipientChange => {
    const wasUnrecognised = before.has(recipient.position)
    const plain = verdictOf(outcome, recipient.address, attempt, mayRepeat, wasUnrecognised)
    const verdict = unknownAttempt ? afterUnknownAttempt(plain, mayRepeat) : plain
    if (verdict.kind === 'again' && isLast) {
      // The outcome is not known, so the final status is unknown and not failed.
      const kind = outcome.kind === 'unknown' || unknownAttempt ? 'unknown' : 'failed'
      const end: Verdict = { kind, reason: gaveUp(message.retryHours, verdict.reason) }
      return toChange(recipient, withoutGiveBack(end, recipient, message))
    }
    const change = toChange(recipient, withoutGiveBack(verdict, recipient, message))
    const isGone = change.status === 'failed' && saysNoMailbox(outcome, recipient.address)
    return isGone ? { ...change, noMailbox: recipient.address } : change
  })
  const isAgain = changes.some((change) => change.status === 'deferred')
  const others = pendingRecipients(message).length > carried.length + selected.left.length
  return {
    ...baseRecord(message),
    ...(attempt.byPool && { pool: { byPool: true, holds: false } }),
    attempt: {
      number: attempt.number,
      connectionId: attempt.connectionId,
      provider: attempt.provider,
      startedAt: attempt.startedAt,
      outcome: outcome.kind,
      scope: outcome.kind === 'rejected' ? outcome.scope : null,
      code: outcome.kind === 'accepted' ? null : outcome.code,
      reason: outcome.kind === 'accepted' ? null : outcome.reason,
      choice: attempt.choice ? JSON.stringify({ ...attempt.choice, ...withPassedOn(passedOn) }) : null,
      providerMessageId: outcome.kind === 'accepted' ? outcome.providerMessageId : null,
      // If no recipient was named, record all positions; the next attempts send to one recipient at a time.
      positions: (tried.length > 0 ? tried : carried).map((recipient) => recipient.position),
    },
    changes: [...changes, ...passedOn.map(toPassedOn), ...toQueued(following)],
    retryInMs: following.length + passedOn.length > 0 ? 0 : isAgain || others ? delayMs : null,
    waitVersion: isAgain && dependsOnConnection(outcome) ? message.connectionsVersion : null,
    giveBack: changes.filter((change) => change.status === 'failed').length,
  }
}

/** Stored with the attempt, because its own code may not cover these recipients. */
function withPassedOn(passedOn: readonly PassedOn[]): Pick<Choice, 'passedOn'> {
  if (passedOn.length === 0) return {}
  return {
    passedOn: passedOn.map(({ recipient, refusal }) => ({
      position: recipient.position,
      code: refusal.code,
    })),
  }
}

/** Queues a recipient for another connection; its event has the reason. */
function toPassedOn({ recipient, refusal }: PassedOn): RecipientChange {
  const { position } = recipient
  return { position, status: 'queued', reason: refusal.reason, event: 'recipient.deferred' }
}

/** Marks the recipients that follow immediately as queued, unlike those deferred again. */
function toQueued(following: readonly LoadedRecipient[]): RecipientChange[] {
  return following
    .filter(({ status }) => status !== 'queued')
    .map(({ position }) => ({ position, status: 'queued', reason: null, event: null }))
}

/**
 * How soon a held message is checked again. A change of the tenant's connections or routes releases it within seconds; this covers messages
 * held at the very moment of the change. Each check writes, and a hundred thousand must not come together.
 */
const HELD_RECHECK_MS = 10 * 60_000

/** Holds a message that no connection can carry, until one can or its time ends: the tenant's retry limit, unless it is given. */
export function toHeldRecord(
  message: LoadedMessage,
  reason: string,
  {
    againInMs = HELD_RECHECK_MS * (1 + Math.random() / 2),
    expiresInMs = message.expiresInMs,
  }: { againInMs?: number; expiresInMs?: number } = {},
): OutcomeRecord {
  const isLast = isOver({ expiresInMs }, againInMs)
  const pending = pendingRecipients(message)
  const changes = pending.map((recipient): RecipientChange => {
    if (!isLast) return toHeld(recipient, reason)
    return toChange(recipient, withoutGiveBack({ kind: 'failed', reason }, recipient, message))
  })
  return {
    ...baseRecord(message),
    changes,
    retryInMs: isLast ? null : againInMs,
    waitVersion: message.connectionsVersion,
    giveBack: changes.filter(({ status }) => status === 'failed').length,
  }
}

/** A resumption releases the messages of a tenant within seconds; this covers those that it has missed. */
const SUSPENDED_RECHECK_MS = 12 * 3_600_000

/** Holds a message of a suspended tenant. Its retry limit does not end it: that begins anew at the resumption. */
export function toSuspendedRecord(
  message: LoadedMessage,
  reason: string,
  random = Math.random,
): OutcomeRecord {
  const changes = pendingRecipients(message).map((recipient) => toHeld(recipient, reason))
  const retryInMs = SUSPENDED_RECHECK_MS * (1 + random() / 2)
  return {
    ...baseRecord(message),
    changes,
    retryInMs,
    waitVersion: message.connectionsVersion,
    giveBack: 0,
  }
}

/** Ends a message that may have been accepted and whose repeat would not be recognised any more. */
export function toUnknownRecord(message: LoadedMessage, reason: string): OutcomeRecord {
  const { carried } = selectRecipients(message)
  return {
    ...baseRecord(message),
    changes: carried.map(({ position }) => ({
      position,
      status: 'unknown',
      event: 'recipient.unknown',
      reason: `an earlier attempt may have been accepted, and ${reason}`,
    })),
    retryInMs: carried.length < pendingRecipients(message).length ? 0 : null,
    giveBack: 0,
  }
}

/**
 * Ends the recipients that were put on a suppression list after the message was accepted, without an attempt; null: there are none. The
 * others go on. An earlier attempt may have reached a recipient, and a repeat of it must have the same recipients to be recognised, so all
 * of such an attempt end as unknown.
 */
export function toSuppressedRecord(message: LoadedMessage): OutcomeRecord | null {
  const reasons = new Map(message.suppressed?.map(({ position, reason }) => [position, reason]))
  if (reasons.size === 0) return null
  const unknown = message.unknownAttempts.filter(
    ({ positions }) => !positions || positions.some((position) => reasons.has(position)),
  )
  const isOfUnknown = ({ position }: LoadedRecipient) =>
    unknown.some(({ positions }) => positions?.includes(position) ?? true)
  const pending = pendingRecipients(message)
  const changes = pending.flatMap((recipient): RecipientChange[] => {
    const { position } = recipient
    const reason = reasons.get(position)
    if (isOfUnknown(recipient) || (reason && message.maybeTaken?.includes(position))) {
      const why = afterUnknownReason(reason ?? 'another recipient of it is on your suppression list')
      return [{ position, status: 'unknown', reason: why, event: 'recipient.unknown' }]
    }
    return reason ? [{ position, status: 'suppressed', reason, event: 'recipient.suppressed' }] : []
  })
  if (changes.length === 0) return null
  return {
    ...baseRecord(message),
    changes,
    retryInMs: changes.length < pending.length ? 0 : null,
    giveBack: changes.filter(({ status }) => status === 'suppressed').length,
  }
}
