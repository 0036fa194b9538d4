import { classifyBounce } from '../lib/bounce-class.ts'
import { type Fields, readAllEvents } from '../lib/event-records.ts'
import type { BounceClass, EventDetail, Reading } from '../lib/provider-event.ts'
import { textOr, toEnhancedStatus, toEvent, toMs, toUrl, toUserAgent } from '../lib/to-event.ts'

// https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event
const details = new Map<unknown, (record: Fields) => EventDetail | null>([
  ['processed', () => ({ kind: 'sent' })],
  ['deferred', () => ({ kind: 'deferred' })],
  ['delivered', () => ({ kind: 'delivered' })],
  ['bounce', (record) => ({ kind: 'bounced', bounce: toBounce(record) })],
  ['dropped', ({ reason }) => ({ kind: 'rejected', suppressed: isSuppressed(reason) })],
  ['open', (record) => ({ kind: 'opened', byMachine: record.sg_machine_open === true, ...agentOf(record) })],
  ['click', (record) => ({ kind: 'clicked', byMachine: false, ...agentOf(record), url: toUrl(record.url) })],
  ['spamreport', () => ({ kind: 'complained' })],
  ['unsubscribe', () => ({ kind: 'unsubscribed' })],
  ['group_unsubscribe', () => ({ kind: 'unsubscribed' })],
  ['group_resubscribe', () => null],
  ['account_status_change', () => null],
])

// https://www.twilio.com/docs/sendgrid/ui/analytics-and-reporting/bounce-and-block-classifications
const byClassification = new Map<unknown, BounceClass>([
  ['Invalid Address', 'hard'],
  ['Content', 'block'],
  ['Reputation', 'block'],
  ['Frequency or Volume Too High', 'block'],
  ['Technical', 'soft'],
  ['Technical Failure', 'soft'],
])

/** The events in an array of them, as SendGrid posts it. */
export function parseSendgrid(body: Buffer, receivedAt: Date): Iterable<Reading> {
  return readAllEvents(body, (record) => {
    const detail = details.get(record.event)?.(record)
    return detail && [toEvent(detail, givenOf(record), receivedAt)]
  })
}

function givenOf(record: Fields) {
  return {
    id: record.sg_event_id,
    at: toMs(record.timestamp),
    recipient: record.email,
    messageId: record.lg_id,
    providerMessageId: toRequestId(record.sg_message_id),
    mimeMessageId: record['smtp-id'],
    code: record.bounce_classification ?? record.type ?? record.event,
    reason: record.reason ?? record.response,
    enhancedStatus: record.status,
  }
}

/** The answer to a send names the part of `sg_message_id` before the server that took it. */
function toRequestId(value: unknown): string | undefined {
  const id = textOr(value, 200)
  if (id === undefined) return undefined
  const end = id.search(/\.(?:filter|recv)/)
  return end >= 0 ? id.slice(0, end) : id.split('.')[0]
}

/** A block says nothing against the address, which SendGrid does not suppress then either. */
function toBounce({ type, status, reason, bounce_classification }: Fields): BounceClass {
  const stated =
    byClassification.get(bounce_classification) ??
    classifyBounce(toEnhancedStatus(status), textOr(reason, 500))
  if (type === 'blocked') return stated === 'hard' ? 'soft' : (stated ?? 'block')
  return stated ?? 'hard'
}

function isSuppressed(reason: unknown): boolean {
  return /bounced address|unsubscribed address|spam reporting address/i.test(textOr(reason, 500) ?? '')
}

function agentOf({ useragent }: Fields) {
  return { userAgent: toUserAgent(useragent) }
}
