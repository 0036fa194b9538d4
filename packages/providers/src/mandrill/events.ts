import { classifyBounce } from '../lib/bounce-class.ts'
import { type Fields, objectIn, readAllEvents } from '../lib/event-records.ts'
import type { BounceClass, EventDetail, Reading } from '../lib/provider-event.ts'
import { enhancedStatusIn, textOr, toEvent, toMs, toUrl, toUserAgent } from '../lib/to-event.ts'
import { formFields } from './form-fields.ts'

// https://mailchimp.com/developer/transactional/docs/webhooks/
const details = new Map<unknown, (record: Fields, msg: Fields) => EventDetail | null>([
  ['send', () => ({ kind: 'sent' })],
  ['deferral', () => ({ kind: 'deferred' })],
  ['delivered', () => ({ kind: 'delivered' })],
  ['hard_bounce', (_record, msg) => ({ kind: 'bounced', bounce: toBounce(msg, 'hard') })],
  ['soft_bounce', (_record, msg) => ({ kind: 'bounced', bounce: toBounce(msg, 'soft') })],
  ['reject', (_record, msg) => ({ kind: 'rejected', suppressed: isSuppressed(msg) })],
  ['spam', () => ({ kind: 'complained' })],
  ['unsub', () => ({ kind: 'unsubscribed' })],
  ['open', (record) => ({ kind: 'opened', byMachine: false, ...agentOf(record) })],
  ['click', (record) => ({ kind: 'clicked', byMachine: false, ...agentOf(record), url: toUrl(record.url) })],
  ['inbound', () => null],
])

/** Reasons for a rejection that are about the sender or the message, and not about the recipient. */
const unsuppressed = new Set<unknown>(['invalid-sender', 'invalid', 'test-mode-limit', 'unsigned', 'rule'])

/** The events in the one field of the form that Mandrill posts. */
export function* parseMandrill(body: Buffer, receivedAt: Date): Generator<Reading> {
  const [, events] = formFields(body).find(([name]) => name.toString() === 'mandrill_events') ?? []
  if (events === undefined) {
    yield { events: [], unread: 1 }
    return
  }
  yield* readAllEvents(events, (record) => {
    // A change of the lists of blocked and allowed addresses.
    if (record.event === undefined && record.action !== undefined) return null
    const msg = objectIn(record.msg)
    const detail = details.get(record.event)?.(record, msg)
    return detail && [toEvent(detail, givenOf(record, msg), receivedAt)]
  })
}

function givenOf(record: Fields, msg: Fields) {
  return {
    at: toMs(record.ts),
    recipient: msg.email,
    messageId: objectIn(msg.metadata).lg_id,
    providerMessageId: textOr(record._id, 200) ?? msg._id,
    code: textOr(msg.bounce_description, 100) ?? textOr(rejectReason(msg), 100) ?? record.event,
    reason: diagOf(record.event, msg),
  }
}

/** The words of the mail server: of a bounce, or of the last try. */
function diagOf(event: unknown, msg: Fields): unknown {
  const last = Array.isArray(msg.smtp_events) ? objectIn(msg.smtp_events.at(-1)).diag : undefined
  if (typeof msg.diag === 'string') return msg.diag
  return event === 'deferral' || event === 'delivered' ? last : undefined
}

function toBounce(msg: Fields, stated: BounceClass): BounceClass {
  const words = `${textOr(msg.bounce_description, 100) ?? ''} ${textOr(msg.diag, 500) ?? ''}`
  return classifyBounce(enhancedStatusIn(words), words) === 'block' ? 'block' : stated
}

function rejectReason(msg: Fields): unknown {
  return objectIn(msg.reject).reason ?? msg.reject_reason
}

function isSuppressed(msg: Fields): boolean {
  return !unsuppressed.has(rejectReason(msg))
}

function agentOf({ user_agent }: Fields) {
  return { userAgent: toUserAgent(user_agent) }
}
