import { type Fields, objectIn, readAllEvents } from '../lib/event-records.ts'
import type { BounceClass, EventDetail, Reading } from '../lib/provider-event.ts'
import { textOr, toEvent, toMs, toUrl, toUserAgent } from '../lib/to-event.ts'

// https://developers.sparkpost.com/api/webhooks/ and https://support.sparkpost.com/docs/tech-resources/webhook-event-reference
const details = new Map<unknown, (event: Fields) => EventDetail | null>([
  ['injection', () => ({ kind: 'accepted' })],
  ['delay', () => ({ kind: 'deferred' })],
  ['delivery', () => ({ kind: 'delivered' })],
  ['bounce', toBounced],
  ['out_of_band', toBounced],
  ['policy_rejection', (event) => ({ kind: 'rejected', suppressed: isSuppressed(event) })],
  ['generation_rejection', (event) => ({ kind: 'rejected', suppressed: isSuppressed(event) })],
  ['generation_failure', () => ({ kind: 'rejected', suppressed: false })],
  ['spam_complaint', () => ({ kind: 'complained' })],
  ['list_unsubscribe', () => ({ kind: 'unsubscribed' })],
  ['link_unsubscribe', () => ({ kind: 'unsubscribed' })],
  ['open', (event) => ({ kind: 'opened', ...agentOf(event) })],
  ['amp_open', (event) => ({ kind: 'opened', ...agentOf(event) })],
  ['click', (event) => ({ kind: 'clicked', ...agentOf(event), url: toUrl(event.target_link_url) })],
  ['amp_click', (event) => ({ kind: 'clicked', ...agentOf(event), url: toUrl(event.target_link_url) })],
])

/** Of a first picture beside the last one: an open has either, so they would count twice. Others are not about our messages. */
const ignored = /^(?:(?:amp_)?initial_open|sms_status|relay_\w+|ab_test_\w+|ingest_\w+)$/

type Meaning = BounceClass | 'rejected' | 'unsubscribed' | 'none'

// https://support.sparkpost.com/docs/deliverability/bounce-classification-codes
const classes: readonly (readonly [Meaning, readonly string[]])[] = [
  ['hard', ['10', '30']],
  ['soft', ['1', '20', '21', '22', '23', '24', '40', '70', '100']],
  ['block', ['50', '51', '52', '53', '54']],
  // Refused by SparkPost itself, by its administrators or its list.
  ['rejected', ['25', '26']],
  ['unsubscribed', ['90']],
  // An answer of a machine, and a subscription.
  ['none', ['60', '80']],
]
const byClass = new Map(classes.flatMap(([meaning, codes]) => codes.map((code) => [code, meaning] as const)))

/** The events in an array of `{ msys: { …_event: … } }`; SparkPost tests a URL with an empty `msys`. */
export function parseSparkpost(body: Buffer, receivedAt: Date): Iterable<Reading> {
  return readAllEvents(body, (record) => {
    const [inner] = Object.values(objectIn(record.msys))
    if (inner === undefined) return record.msys === undefined ? undefined : null
    const event = objectIn(inner)
    const { type } = event
    if (typeof type === 'string' && type.length < 50 && ignored.test(type)) return null
    const detail = details.get(type)?.(event)
    return detail && [toEvent(detail, givenOf(event), receivedAt)]
  })
}

function givenOf(event: Fields) {
  return {
    id: event.event_id,
    at: toMs(event.timestamp),
    recipient: textOr(event.raw_rcpt_to, 640) ?? event.rcpt_to,
    messageId: objectIn(event.rcpt_meta).lg_id,
    providerMessageId: event.transmission_id,
    code: textOr(event.bounce_class, 20) ?? textOr(event.error_code, 20) ?? event.type,
    reason: textOr(event.raw_reason, 500) ?? event.reason,
  }
}

function toBounced(event: Fields): EventDetail | null {
  const meaning = byClass.get(textOr(event.bounce_class, 20) ?? '') ?? 'soft'
  if (meaning === 'none') return null
  if (meaning === 'rejected') return { kind: 'rejected', suppressed: isSuppressed(event) }
  return meaning === 'unsubscribed' ? { kind: 'unsubscribed' } : { kind: 'bounced', bounce: meaning }
}

function isSuppressed({ bounce_class, reason, raw_reason }: Fields): boolean {
  const words = `${textOr(reason, 500) ?? ''} ${textOr(raw_reason, 500) ?? ''}`
  return textOr(bounce_class, 20) === '26' || /suppress/i.test(words)
}

function agentOf(event: Fields) {
  const parsed = objectIn(event.user_agent_parsed)
  const byMachine = parsed.is_proxy === true || parsed.is_prefetched === true
  return { byMachine, userAgent: toUserAgent(event.user_agent) }
}
