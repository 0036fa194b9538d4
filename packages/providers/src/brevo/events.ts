import { classifyBounce } from '../lib/bounce-class.ts'
import { type Fields, readAllEvents } from '../lib/event-records.ts'
import type { BounceClass, EventDetail, Reading } from '../lib/provider-event.ts'
import { enhancedStatusIn, textOr, toEvent, toMs, toUrl, toUserAgent } from '../lib/to-event.ts'

const customCharsMax = 2_000

// https://developers.brevo.com/docs/transactional-webhooks
const details = new Map<unknown, (record: Fields) => EventDetail | null>([
  ['request', () => ({ kind: 'sent' })],
  ['deferred', () => ({ kind: 'deferred' })],
  ['delivered', () => ({ kind: 'delivered' })],
  ['hard_bounce', (record) => ({ kind: 'bounced', bounce: toBounce(record, 'hard') })],
  ['soft_bounce', (record) => ({ kind: 'bounced', bounce: toBounce(record, 'soft') })],
  ['invalid_email', () => ({ kind: 'bounced', bounce: 'hard' })],
  ['blocked', () => ({ kind: 'rejected', suppressed: true })],
  ['error', () => ({ kind: 'rejected', suppressed: false })],
  ['spam', () => ({ kind: 'complained' })],
  ['complaint', () => ({ kind: 'complained' })],
  ['opened', (record) => ({ kind: 'opened', byMachine: false, ...agentOf(record) })],
  ['proxy_open', (record) => ({ kind: 'opened', byMachine: true, ...agentOf(record) })],
  ['click', (record) => ({ kind: 'clicked', byMachine: false, ...agentOf(record), url: toUrl(record.link) })],
  ['unsubscribe', () => ({ kind: 'unsubscribed' })],
  ['unsubscribed', () => ({ kind: 'unsubscribed' })],
  // Come beside `opened` and `proxy_open`.
  ['unique_opened', () => null],
  ['unique_proxy_open', () => null],
  ['list_addition', () => null],
  ['contact_updated', () => null],
  ['contact_deleted', () => null],
])

/** One event, or the array that a batched webhook posts. */
export function parseBrevo(body: Buffer, receivedAt: Date): Iterable<Reading> {
  return readAllEvents(body, (record) => {
    const detail = details.get(record.event)?.(record)
    return detail && [toEvent(detail, givenOf(record), receivedAt)]
  })
}

function givenOf(record: Fields) {
  const { ts_epoch, ts_event, ts } = record
  return {
    at: typeof ts_epoch === 'number' ? toMs(ts_epoch / 1000) : (toMs(ts_event) ?? toMs(ts)),
    recipient: record.email,
    messageId: correlationIn(record['X-Mailin-custom']),
    providerMessageId: record['message-id'],
    mimeMessageId: record['message-id'],
    code: record.event,
    reason: record.reason,
  }
}

/** Our id out of the text that `correlationHeaders` made. */
function correlationIn(custom: unknown): string | undefined {
  if (typeof custom !== 'string' || custom.length > customCharsMax) return undefined
  return new URLSearchParams(custom).get('lg_id') ?? undefined
}

function toBounce({ reason }: Fields, stated: BounceClass): BounceClass {
  const words = textOr(reason, 500) ?? ''
  return classifyBounce(enhancedStatusIn(words), words) === 'block' ? 'block' : stated
}

function agentOf({ user_agent }: Fields) {
  return { userAgent: toUserAgent(user_agent) }
}
