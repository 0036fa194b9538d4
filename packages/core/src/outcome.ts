import type { EventType } from '@lettergate/contracts/event-types'
import type { RecipientStatus } from '@lettergate/contracts/recipient-status'
import type { LoadedMessage, LoadedRecipient } from '@lettergate/db/sql/load-claimed'
import type { OutcomeRecord, RecipientChange } from '@lettergate/db/sql/record-outcomes'
import type { RecipientRefusal, SendOutcome } from '@lettergate/providers/provider'
import { retryDelayMs } from './retry-delay.ts'

/** Recipients that still wait for a hand-off. */
const PENDING = new Set(['scheduled', 'queued', 'deferred', 'held'])

export function pendingRecipients(message: { recipients: LoadedRecipient[] }): LoadedRecipient[] {
  return message.recipients.filter((recipient) => PENDING.has(recipient.status))
}

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

function verdictOf(outcome: SendOutcome, address: string, again: boolean): Verdict {
  const refused =
    'refused' in outcome ? outcome.refused?.find((refusal) => refusal.address === address) : undefined
  if (refused) return refusalVerdict(refused)
  switch (outcome.kind) {
    case 'accepted':
      return { kind: 'sent', reason: null }
    case 'rejected':
      // The connection's fault is mended by people, and mail must not be lost over a password: it is tried again.
      return { kind: outcome.scope === 'account' ? 'again' : 'failed', reason: outcome.reason }
    case 'deferred':
      return { kind: 'again', reason: outcome.reason }
    case 'unknown':
      return { kind: again ? 'again' : 'unknown', reason: outcome.reason }
  }
}

/** While an earlier try may have been taken, no refusal of a later one proves that nothing went out. */
function withDoubt(verdict: Verdict, mayRepeat: boolean): Verdict {
  if (verdict.kind === 'sent' || (verdict.kind === 'again' && mayRepeat)) return verdict
  return { kind: 'unknown', reason: verdict.reason }
}

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

function waitMs(outcome: SendOutcome, attempt: number, random: () => number): number {
  const asked = outcome.kind === 'deferred' ? outcome.retryAfterMs : undefined
  return Math.max(asked ?? 0, retryDelayMs(attempt, random))
}

/**
 * What one hand-off means for each of its recipients, and whether the message is tried again. Pure.
 * `unknown` is only repeated where that is safe or the tenant chose it; retries end 72 h after the message was due.
 */
export function toRecord(
  message: LoadedMessage,
  attempt: AttemptContext,
  outcome: SendOutcome,
  random: () => number = Math.random,
): OutcomeRecord {
  const pending = pendingRecipients(message)
  const delayMs = waitMs(outcome, attempt.number, random)
  const mayRepeat = delayMs < attempt.repeatWindowMs || message.onUnknown === 'resend'
  const isLast = delayMs >= message.expiresInMs
  const changes = pending.map((recipient) => {
    const plain = verdictOf(outcome, recipient.address, mayRepeat)
    const verdict = message.unsure ? withDoubt(plain, mayRepeat) : plain
    if (verdict.kind === 'again' && isLast) {
      // Given up while nobody knows: the honest end is unknown, not failed.
      const kind = outcome.kind === 'unknown' || message.unsure ? 'unknown' : 'failed'
      return toChange(recipient, { kind, reason: `gave up after 72 hours: ${verdict.reason}` }, message.mode)
    }
    return toChange(recipient, verdict, message.mode)
  })
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
      reason: outcome.kind === 'accepted' ? null : outcome.reason,
      providerMessageId: outcome.kind === 'accepted' ? outcome.providerMessageId : null,
      positions: pending.map((recipient) => recipient.position),
    },
    changes,
    retryInMs: changes.some((change) => change.status === 'deferred') ? delayMs : null,
    giveBack: changes.filter((change) => change.status === 'failed').length,
  }
}

/** How soon a held message is looked at again: a connection may have been made meanwhile. */
const HELD_RECHECK_MS = 60_000

/** A message that no connection may carry now: it waits, visibly, until one appears or its 72 hours are over. */
export function toHeldRecord(message: LoadedMessage, reason: string): OutcomeRecord {
  const isLast = HELD_RECHECK_MS >= message.expiresInMs
  const status = isLast ? 'failed' : 'held'
  const pending = pendingRecipients(message)
  return {
    tenantId: message.tenantId,
    messageId: message.messageId,
    epoch: message.epoch,
    mode: message.mode,
    usageDay: message.usageDay,
    attempt: null,
    changes: pending.map((recipient) => ({
      position: recipient.position,
      status,
      reason,
      event: recipient.status === status ? null : `recipient.${status}`,
    })),
    retryInMs: isLast ? null : HELD_RECHECK_MS,
    giveBack: isLast ? pending.length : 0,
  }
}

/** A message that may have been taken and that nobody would recognise any more: it is not tried again. */
export function toUnsureRecord(message: LoadedMessage, reason: string): OutcomeRecord {
  return {
    tenantId: message.tenantId,
    messageId: message.messageId,
    epoch: message.epoch,
    mode: message.mode,
    usageDay: message.usageDay,
    attempt: null,
    changes: pendingRecipients(message).map(({ position }) => ({
      ...{ position, status: 'unknown', event: 'recipient.unknown' },
      reason: `an earlier try may have been accepted, and ${reason}`,
    })),
    retryInMs: null,
    giveBack: 0,
  }
}
