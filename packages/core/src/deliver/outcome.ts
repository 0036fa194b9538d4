import type { EventType } from '@lettergate/contracts/messages/event-types'
import type { RecipientStatus } from '@lettergate/contracts/messages/recipient-status'
import { classOf } from '@lettergate/providers/lib/failures'
import type { RecipientRefusal, SendOutcome } from '@lettergate/providers/provider'
import type { Choice } from './choose-connection.ts'
import { type PassedOn, passedOnBy, refusedBefore } from './pass-on.ts'
import { askedDelayMs, gaveUp, retryDelayMs } from './retry-schedule.ts'
import { pendingRecipients, type SelectedRecipients, selectRecipients } from './select-recipients.ts'
import type { LoadedMessage, LoadedRecipient } from './sql/load-claimed.ts'
import type { OutcomeRecord, RecipientChange } from './sql/record-outcomes.ts'

export type AttemptContext = {
  number: number
  connectionId: string | null
  provider: string
  startedAt: Date
  /**
   * For how long from now the provider would recognise a repeat by its key, counted from the first try that may have been
   * taken; 0 or less: not at all.
   */
  repeatWindowMs: number
  /** Whom it carried; absent: all that wait. */
  selected?: SelectedRecipients
  /** Why this connection. */
  choice?: Choice
  /** Safe failures of this message through this connection before this one; absent: all attempts were such. */
  failedBefore?: number
  /** Another connection stands ready that was not tried more often than this one. */
  hasOther?: boolean
  /** Another connection is left, ready or not, that has not found this message too much for it. */
  hasRoomier?: boolean
  /** Another connection stands ready that has not refused this message itself. */
  hasReady?: boolean
}

type Verdict = { kind: 'sent' | 'failed' | 'unknown' | 'again'; reason: string | null }

/** What the magic recipients of test mode become after their hand-off (design: sandbox recipients). */
const SANDBOX_STATUS: Record<string, 'delivered' | 'bounced' | 'complained'> = {
  'delivered@sandbox.lettergate.dev': 'delivered',
  'bounced@sandbox.lettergate.dev': 'bounced',
  'complained@sandbox.lettergate.dev': 'complained',
}

const refusalVerdict = ({ kind, code, reason }: RecipientRefusal): Verdict => {
  // Handed over in a call of its own (direct), whose answer was lost while others were answered.
  if (code === 'outcome-unknown') return { kind: 'unknown', reason }
  return { kind: kind === 'rejected' ? 'failed' : 'again', reason }
}

/** Refused for good, but by this connection only. */
function isForAnother(outcome: SendOutcome, { hasRoomier, hasReady }: AttemptContext): boolean {
  if (outcome.kind !== 'rejected') return false
  const { elsewhere } = classOf(outcome.code)
  return elsewhere === 'once' ? hasReady === true : elsewhere === true && hasRoomier === true
}

/** Surely not accepted, and not the message's own fault: another connection may carry it. */
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
      // A second refusal in unknown words is believed.
      if (wasUnrecognised && classOf(outcome.code).elsewhere === 'once')
        return { kind: 'failed', reason: outcome.reason }
      // The connection's fault is mended by people, and mail must not be lost over a password: it is tried again.
      return { kind: isSafe(outcome, attempt) ? 'again' : 'failed', reason: outcome.reason }
    case 'deferred':
      return { kind: 'again', reason: outcome.reason }
    case 'unknown':
      return { kind: mayRepeat ? 'again' : 'unknown', reason: outcome.reason }
  }
}

/** While an earlier try may have been taken, no refusal of a later one proves that nothing went out. */
function afterUnknownAttempt(verdict: Verdict, mayRepeat: boolean): Verdict {
  if (verdict.kind === 'sent' || (verdict.kind === 'again' && mayRepeat)) return verdict
  return { kind: 'unknown', reason: verdict.reason }
}

/**
 * Whom an earlier try may have reached does not fail, though it may be tried as often as its tenant wants: it would be given back to the
 * quota for mail that somebody may have. The honest end is unknown, and it stays counted.
 */
function withoutGiveBack(verdict: Verdict, { position }: LoadedRecipient, message: LoadedMessage): Verdict {
  if (verdict.kind !== 'failed' || !message.maybeTaken?.includes(position)) return verdict
  return { kind: 'unknown', reason: afterUnknownReason(verdict.reason) }
}

const afterUnknownReason = (reason: string | null) => `${reason}, after a try that may have been taken`

/** A change in the words of the contract: a status of the table, and its event. */
type Change = RecipientChange & { status: RecipientStatus; event: EventType | null }

function toChange(recipient: LoadedRecipient, verdict: Verdict, mode: string): Change {
  const { position } = recipient
  switch (verdict.kind) {
    case 'sent': {
      const status = (mode === 'test' && SANDBOX_STATUS[recipient.address]) || 'sent'
      return { position, status, reason: null, event: `recipient.${status}` }
    }
    case 'failed':
      return { position, status: 'failed', reason: verdict.reason, event: 'recipient.failed' }
    case 'unknown':
      return { position, status: 'unknown', reason: verdict.reason, event: 'recipient.unknown' }
    case 'again':
      return { position, status: 'deferred', reason: verdict.reason, event: 'recipient.deferred' }
  }
}

/** Tries before this one that have a part in how long the next is waited for: none that were for others, or by other connections. */
function triesBefore(outcome: SendOutcome, attempt: AttemptContext): number {
  const ofConnection = isSafe(outcome, attempt) ? attempt.failedBefore : undefined
  const { number, selected } = attempt
  return Math.min(number - 1, selected?.singleTries ?? number, ofConnection ?? number)
}

/** How long the provider asked to wait: all of those whom it deferred, or at least one of them. */
function askedOf(outcome: SendOutcome): { ms: number; byAll: boolean } {
  const ofAll = outcome.kind === 'deferred' ? outcome.retryAfterMs : undefined
  const refused = 'refused' in outcome ? (outcome.refused ?? []) : []
  const each = refused.flatMap(({ kind, retryAfterMs = 0 }) => (kind === 'deferred' ? [retryAfterMs] : []))
  const byEach = outcome.kind !== 'deferred' && each.length > 0 && each.every((ms) => ms > 0)
  return { ms: Math.max(0, ofAll ?? 0, ...each), byAll: ofAll !== undefined || byEach }
}

/** Until the next try: none while another connection can take over; else as asked, or by how often all of them were tried. */
function waitMs(outcome: SendOutcome, attempt: AttemptContext, random: () => number): number {
  const atMostMs = outcome.kind === 'accepted' ? undefined : classOf(outcome.code).waitMsMax
  if (atMostMs !== undefined) return Math.min(atMostMs, retryDelayMs(attempt.number, random))
  if (isSafe(outcome, attempt) && attempt.hasOther) return 0
  const tries = 1 + triesBefore(outcome, attempt)
  const { ms, byAll } = askedOf(outcome)
  return byAll ? askedDelayMs(ms, tries, random) : Math.max(ms, retryDelayMs(tries, random))
}

/** Whom the call did not try at all, though it was asked to; a call that tried nobody has deferred all. */
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
 * Whom a refusal of the whole call says nothing against: those whom it does not name, where it may be about one of many. Where nobody is
 * named, that is all of them, and each goes alone from then on. After a try that may have been taken, all are in doubt.
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

/** True where the connection is at fault, and not the recipient or the moment: once it is mended, there is nothing to wait for. */
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

/**
 * What one hand-off means for each of its recipients, and whether the message is tried again. Pure.
 * `unknown` is only repeated where that is safe or the tenant chose it; retries end at the retry limit of the tenant.
 * Those that it left over, did not try, or passed over for the sake of another, follow at once, without a try being counted for them.
 */
export function toRecord(
  message: LoadedMessage,
  attempt: AttemptContext,
  outcome: SendOutcome,
  random: () => number = Math.random,
): OutcomeRecord {
  const selected = attempt.selected ?? everyRecipient(message)
  const { carried, unknownAttempt } = selected
  const passedOver = new Set([...untriedOf(outcome, selected), ...sparedBy(outcome, selected)])
  const before = refusedBefore(message)
  const passedOn = passedOnBy(outcome, selected, before, attempt)
  const leaving = new Set(passedOn.map(({ recipient }) => recipient))
  const tried = carried.filter((recipient) => !passedOver.has(recipient))
  const following = [...passedOver, ...selected.left]
  const delayMs = waitMs(outcome, unknownAttempt ? { ...attempt, hasOther: false } : attempt, random)
  const mayRepeat = delayMs < attempt.repeatWindowMs || message.onUnknown === 'resend'
  const isLast = delayMs >= message.expiresInMs
  const staying = tried.filter((recipient) => !leaving.has(recipient))
  const changes = staying.map((recipient) => {
    const wasUnrecognised = before.has(recipient.position)
    const plain = verdictOf(outcome, recipient.address, attempt, mayRepeat, wasUnrecognised)
    const verdict = unknownAttempt ? afterUnknownAttempt(plain, mayRepeat) : plain
    if (verdict.kind === 'again' && isLast) {
      // Given up while nobody knows: the honest end is unknown, not failed.
      const kind = outcome.kind === 'unknown' || unknownAttempt ? 'unknown' : 'failed'
      const end: Verdict = { kind, reason: gaveUp(message.retryHours, verdict.reason) }
      return toChange(recipient, withoutGiveBack(end, recipient, message), message.mode)
    }
    return toChange(recipient, withoutGiveBack(verdict, recipient, message), message.mode)
  })
  const isAgain = changes.some((change) => change.status === 'deferred')
  const others = pendingRecipients(message).length > carried.length + selected.left.length
  return {
    tenantId: message.tenantId,
    messageId: message.messageId,
    epoch: message.epoch,
    mode: message.mode,
    usageDay: message.usageDay,
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
      // Where all were refused for the sake of nobody knows whom, it is of all: so it is remembered that each goes alone.
      positions: (tried.length > 0 ? tried : carried).map((recipient) => recipient.position),
    },
    changes: [...changes, ...passedOn.map(toPassedOn), ...toQueued(following)],
    retryInMs: following.length + passedOn.length > 0 ? 0 : isAgain || others ? delayMs : null,
    waitVersion: isAgain && dependsOnConnection(outcome) ? message.connectionsVersion : null,
    giveBack: changes.filter((change) => change.status === 'failed').length,
  }
}

const everyRecipient = (message: LoadedMessage): SelectedRecipients => ({
  carried: pendingRecipients(message),
  left: [],
  unknownAttempt: message.unknownAttempt,
  singleTries: null,
})

/** Remembered with the try, whose own code may say nothing of them. */
function withPassedOn(passedOn: readonly PassedOn[]): Pick<Choice, 'passedOn'> {
  if (passedOn.length === 0) return {}
  return {
    passedOn: passedOn.map(({ recipient, refusal }) => ({
      position: recipient.position,
      code: refusal.code,
    })),
  }
}

/** Ready at once, for another connection; its event says why. */
function toPassedOn({ recipient, refusal }: PassedOn): RecipientChange {
  const { position } = recipient
  return { position, status: 'queued', reason: refusal.reason, event: 'recipient.deferred' }
}

/** Those whose turn is next: told apart from those that were deferred again, and no longer held. */
function toQueued(following: readonly LoadedRecipient[]): RecipientChange[] {
  return following
    .filter(({ status }) => status !== 'queued')
    .map(({ position }) => ({ position, status: 'queued', reason: null, event: null }))
}

/**
 * How soon a held message is looked at again by itself: a change of the tenant's connections or routes lets it go within seconds, so this
 * is only for what was held in the very moment of the change. Each look writes, and a hundred thousand must not come at once.
 */
const HELD_RECHECK_MS = 10 * 60_000

/** A message that no connection may carry now: it waits, visibly, until one appears or the retry limit of its tenant is over. */
export function toHeldRecord(message: LoadedMessage, reason: string, random = Math.random): OutcomeRecord {
  const againInMs = HELD_RECHECK_MS * (1 + random() / 2)
  const isLast = againInMs >= message.expiresInMs
  const pending = pendingRecipients(message)
  const changes = pending.map((recipient): Change => {
    const { position } = recipient
    if (isLast) {
      const end = withoutGiveBack({ kind: 'failed', reason }, recipient, message)
      return toChange(recipient, end, message.mode)
    }
    return {
      ...{ position, status: 'held', reason },
      event: recipient.status === 'held' ? null : 'recipient.held',
    }
  })
  return {
    tenantId: message.tenantId,
    messageId: message.messageId,
    epoch: message.epoch,
    mode: message.mode,
    usageDay: message.usageDay,
    attempt: null,
    changes,
    retryInMs: isLast ? null : againInMs,
    waitVersion: message.connectionsVersion,
    giveBack: changes.filter(({ status }) => status === 'failed').length,
  }
}

/** A message that may have been taken and that nobody would recognise any more: it is not tried again. */
export function toUnknownRecord(message: LoadedMessage, reason: string): OutcomeRecord {
  const { carried } = selectRecipients(message)
  return {
    tenantId: message.tenantId,
    messageId: message.messageId,
    epoch: message.epoch,
    mode: message.mode,
    usageDay: message.usageDay,
    attempt: null,
    changes: carried.map(({ position }) => ({
      ...{ position, status: 'unknown', event: 'recipient.unknown' },
      reason: `an earlier try may have been accepted, and ${reason}`,
    })),
    retryInMs: carried.length < pendingRecipients(message).length ? 0 : null,
    giveBack: 0,
  }
}
