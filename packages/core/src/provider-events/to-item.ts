import { hash } from 'node:crypto'
import type { EventData } from '@lettergate/contracts/messages/event-data'
import { type EventType, eventStatuses } from '@lettergate/contracts/messages/event-types'
import type { RecipientStatus } from '@lettergate/contracts/messages/recipient-status'
import type { ProviderEvent } from '@lettergate/providers/lib/provider-event'
import type { EventReason } from '../suppressions/index.ts'
import type { EventItem } from './sql/event-items.ts'
import type { EventMessage } from './sql/find-messages.ts'

/** The simulated events of messages that no connection carried have this id instead of one. */
const NO_CONNECTION = '00000000-0000-0000-0000-000000000000'

function typeOf(event: ProviderEvent): EventType {
  switch (event.kind) {
    case 'accepted':
    case 'sent':
      return 'recipient.accepted'
    case 'deferred':
      return 'recipient.delayed'
    case 'rejected':
      return event.suppressed ? 'recipient.suppressed' : 'recipient.rejected'
    default:
      return `recipient.${event.kind}`
  }
}

/** Who opens, clicks or unsubscribes has got the message, so the provider has accepted it at least. */
function statusOf(type: EventType): RecipientStatus {
  return eventStatuses[type] ?? 'sent'
}

/** A soft bounce or a block says nothing against the address. */
function suppressionOf(event: ProviderEvent): EventReason | null {
  if (event.kind === 'complained') return 'complaint'
  if (event.kind === 'unsubscribed') return 'unsubscribe'
  return event.kind === 'bounced' && event.bounce === 'hard' ? 'hard_bounce' : null
}

function dataOf(event: ProviderEvent): EventData {
  const { code, enhancedStatus, reason } = event
  const detail = {
    ...(code !== undefined && { code }),
    ...(enhancedStatus !== undefined && { enhanced_status: enhancedStatus }),
    ...(event.kind === 'bounced' && { bounce: event.bounce }),
    ...((event.kind === 'opened' || event.kind === 'clicked') && {
      by_machine: event.byMachine,
      ...(event.userAgent !== undefined && { user_agent: event.userAgent }),
    }),
    ...(event.kind === 'clicked' && event.url !== undefined && { url: event.url }),
  }
  return { ...(reason !== undefined && { reason }), ...(Object.keys(detail).length > 0 && { detail }) }
}

/**
 * A number below 2^52, the same for every repeat; a message has few events, so two of them do not meet. The connection is not in it: where two
 * of them are one account, each is sent every event.
 */
function sourceOf(provider: string, { id, kind, recipient }: ProviderEvent): number {
  const text = JSON.stringify([provider, id, kind, recipient?.toLowerCase() ?? null])
  return Number.parseInt(hash('sha256', text).slice(0, 13), 16)
}

/** The recipient that an event is about; a message with one recipient needs no address, and may have been forwarded to another. */
function findRecipient(
  { recipients }: EventMessage,
  { recipient }: ProviderEvent,
): EventMessage['recipients'][number] | undefined {
  const wanted = recipient?.toLowerCase()
  const named = recipients.find(([, address]) => address.toLowerCase() === wanted)
  return named ?? (recipients.length === 1 ? recipients[0] : undefined)
}

/**
 * Whether an event says something of the newest attempt or retry at the recipient. A refusal of an attempt does not, if the recipient may have
 * the mail by a newer one. An event about an attempt before the tenant's newest retry does not: only if the recipient has the mail, or if the
 * event shows that an attempt with unknown outcome was accepted, nothing is left to retry.
 */
function concernsNewest(
  { attempts }: EventMessage,
  { providerMessageId }: ProviderEvent,
  { position, status, connectionId }: { position: number; status: RecipientStatus; connectionId: string },
): boolean {
  const own = attempts.filter((attempt) => attempt.position === position)
  const attempt =
    own.find((one) => providerMessageId !== undefined && one.providerMessageId === providerMessageId) ??
    own.find((one) => one.connectionId === connectionId) ??
    own[0]
  if (attempt?.isSuperseded && isRefusal(status)) return false
  if (!attempt?.isBefore || status === 'delivered' || status === 'complained') return true
  return status === 'sent' && attempt.outcome === 'unknown'
}

const isRefusal = (status: RecipientStatus | null) =>
  status === 'failed' || status === 'bounced' || status === 'suppressed'

const WAITS = new Set(['scheduled', 'queued', 'deferred', 'held'])
const MAY_BE_RESOLVED = new Set([...WAITS, 'unknown'])

/**
 * The effect of an event on a message; null: the recipient is being sent to, so whether the provider accepted the message is about to be
 * recorded, and the event has to wait.
 */
export function toItem(
  event: ProviderEvent,
  message: EventMessage,
  { connectionId, provider }: { connectionId: string; provider: string },
): EventItem | null {
  const found = findRecipient(message, event)
  if (found && message.isSending && WAITS.has(found[2])) return null
  const type = typeOf(event)
  const least = statusOf(type)
  const isNews = found && concernsNewest(message, event, { position: found[0], status: least, connectionId })
  const status = isNews ? least : null
  return {
    tenantId: message.tenantId,
    messageId: message.messageId,
    position: found?.[0] ?? null,
    type,
    status,
    reason: isRefusal(status) ? (event.reason ?? event.code ?? null) : null,
    at: event.at,
    source: sourceOf(provider, event),
    data: JSON.stringify(dataOf(event)),
    mode: message.mode,
    isBulk: message.isBulk,
    connectionId: connectionId === NO_CONNECTION ? null : connectionId,
    resolves: message.recipients.some(([, , recipientStatus]) => MAY_BE_RESOLVED.has(recipientStatus)),
    suppress: suppressionOf(event),
    address: found?.[1] ?? null,
  }
}
