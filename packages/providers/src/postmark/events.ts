import { type Fields, objectIn, readEvents, readRecord } from '../lib/event-records.ts'
import type { EventDetail, Reading } from '../lib/provider-event.ts'
import { textOr, toEvent, toMs, toUrl, toUserAgent } from '../lib/to-event.ts'

// https://postmarkapp.com/developer/webhooks/webhooks-overview
const details = new Map<unknown, (record: Fields) => EventDetail | null | undefined>([
  ['Delivery', () => ({ kind: 'delivered' })],
  ['Bounce', ({ Type }) => bounces.get(Type)],
  ['SMTPApiError', () => ({ kind: 'rejected', suppressed: false })],
  ['SpamComplaint', () => ({ kind: 'complained' })],
  ['SubscriptionChange', toUnsubscribed],
  ['Open', (record) => ({ kind: 'opened', ...agentOf(record) })],
  ['Click', (record) => ({ kind: 'clicked', ...agentOf(record), url: toUrl(record.OriginalLink) })],
  ['Inbound', () => null],
])

// https://postmarkapp.com/developer/api/bounce-api#bounce-types
const bounces = new Map<unknown, EventDetail | null>([
  ['Transient', { kind: 'deferred' }],
  ['DnsError', { kind: 'deferred' }],
  ['OpenRelayTest', { kind: 'deferred' }],
  ['HardBounce', { kind: 'bounced', bounce: 'hard' }],
  ['BadEmailAddress', { kind: 'bounced', bounce: 'hard' }],
  ['SoftBounce', { kind: 'bounced', bounce: 'soft' }],
  ['Unknown', { kind: 'bounced', bounce: 'soft' }],
  ['Blocked', { kind: 'bounced', bounce: 'block' }],
  ['SpamNotification', { kind: 'bounced', bounce: 'block' }],
  ['VirusNotification', { kind: 'bounced', bounce: 'block' }],
  ['DMARCPolicy', { kind: 'bounced', bounce: 'block' }],
  ['SpamComplaint', { kind: 'complained' }],
  ['ManuallyDeactivated', { kind: 'rejected', suppressed: true }],
  ['Unconfirmed', { kind: 'rejected', suppressed: false }],
  ['TemplateRenderingFailed', { kind: 'rejected', suppressed: false }],
  ['SMTPApiError', { kind: 'rejected', suppressed: false }],
  ['Unsubscribe', { kind: 'unsubscribed' }],
  // Answers of machines and mailing lists.
  ['AutoResponder', null],
  ['AddressChange', null],
  ['ChallengeVerification', null],
  ['Subscribe', null],
  ['InboundError', null],
])

/** The one event of a request. */
export function parsePostmark(body: Buffer, receivedAt: Date): Reading {
  const record = readRecord(body)
  return readEvents({ records: record ? [record] : [], unread: record ? 0 : 1 }, (event) => {
    const detail = details.get(event.RecordType)?.(event)
    return detail && [toEvent(detail, givenOf(event), receivedAt)]
  })
}

function givenOf(event: Fields) {
  const { ID, RecordType, BouncedAt, DeliveredAt, ReceivedAt, ChangedAt } = event
  const bounceId = typeof ID === 'number' ? `${textOr(RecordType, 50)}-${ID}` : undefined
  return {
    id: bounceId,
    at: toMs(BouncedAt) ?? toMs(DeliveredAt) ?? toMs(ReceivedAt) ?? toMs(ChangedAt),
    recipient: textOr(event.Recipient, 640) ?? event.Email,
    messageId: objectIn(event.Metadata).lg_id,
    providerMessageId: event.MessageID,
    code: textOr(event.Type, 100) ?? textOr(event.SuppressionReason, 100) ?? event.RecordType,
    reason: textOr(event.Details, 500) ?? event.Description,
  }
}

/** Bounces and complaints come as events of their own; what ends a suppression says nothing of a message. */
function toUnsubscribed({ SuppressSending, SuppressionReason }: Fields): EventDetail | null {
  return SuppressSending === true && SuppressionReason === 'ManualSuppression'
    ? { kind: 'unsubscribed' }
    : null
}

function agentOf({ UserAgent }: Fields) {
  return { byMachine: false, userAgent: toUserAgent(UserAgent) }
}
