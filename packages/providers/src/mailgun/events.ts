import { classifyBounce } from '../lib/bounce-class.ts'
import { type Fields, objectIn, readEvents, readRecord } from '../lib/event-records.ts'
import type { BounceClass, EventDetail, Reading } from '../lib/provider-event.ts'
import { textOr, toEnhancedStatus, toEvent, toMs, toUrl, toUserAgent } from '../lib/to-event.ts'

const dayS = 86_400

// https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/webhook-payloads
const details = new Map<unknown, (data: Fields) => EventDetail | null>([
  ['accepted', () => ({ kind: 'accepted' })],
  ['delivered', () => ({ kind: 'delivered' })],
  ['failed', toFailed],
  ['rejected', () => ({ kind: 'rejected', suppressed: false })],
  ['opened', (data) => ({ kind: 'opened', ...clientOf(data) })],
  ['clicked', (data) => ({ kind: 'clicked', ...clientOf(data), url: toUrl(data.url) })],
  ['complained', () => ({ kind: 'complained' })],
  ['unsubscribed', () => ({ kind: 'unsubscribed' })],
  ['stored', () => null],
])

/** Codes of its own for addresses that bounced, unsubscribed or complained before. */
const suppressedCodes = new Set<unknown>([605, 606, 607])

/** The one event of a request. */
export function parseMailgun(body: Buffer, receivedAt: Date): Reading {
  const record = readRecord(body)
  return readEvents({ records: record ? [record] : [], unread: record ? 0 : 1 }, (whole) => {
    const data = objectIn(whole['event-data'])
    const detail = details.get(data.event)?.(data)
    return detail && [toEvent(detail, givenOf(data), receivedAt)]
  })
}

function givenOf(data: Fields) {
  const status = objectIn(data['delivery-status'])
  const reject = objectIn(data.reject)
  const headers = objectIn(objectIn(data.message).headers)
  const id = headers['message-id']
  return {
    id: toId(data),
    at: toMs(data.timestamp),
    recipient: data.recipient,
    messageId: objectIn(data['user-variables']).lg_id,
    providerMessageId: id,
    mimeMessageId: id,
    code: textOr(data.reason, 100) ?? textOr(reject.reason, 100) ?? textOr(status.code, 100),
    reason: textOr(status.message, 500) ?? textOr(status.description, 500) ?? reject.description,
    enhancedStatus: status['enhanced-code'],
  }
}

/** An id is unique within a day. */
function toId({ id, timestamp }: Fields): string | undefined {
  const own = textOr(id, 150)
  return own && typeof timestamp === 'number' ? `${own}@${Math.floor(timestamp / dayS)}` : undefined
}

function toFailed(data: Fields): EventDetail {
  const { severity, reason } = data
  if (severity === 'temporary') return { kind: 'deferred' }
  const status = objectIn(data['delivery-status'])
  const isSuppressed = typeof reason === 'string' && reason.startsWith('suppress-')
  if (isSuppressed || suppressedCodes.has(status.code)) return { kind: 'rejected', suppressed: true }
  return { kind: 'bounced', bounce: toBounce(reason, status) }
}

function toBounce(reason: unknown, status: Fields): BounceClass {
  // Its own retries are used up, for any last reply.
  if (reason === 'old') return 'soft'
  if (reason === 'espblock') return 'block'
  const enhanced = toEnhancedStatus(status['enhanced-code'])
  const words = `${textOr(status.message, 500) ?? ''} ${textOr(status.description, 500) ?? ''}`
  return classifyBounce(enhanced, words) ?? (reason === 'bounce' ? 'hard' : 'soft')
}

function clientOf(data: Fields) {
  const client = objectIn(data['client-info'])
  const bot = textOr(client.bot, 50)
  return { byMachine: bot !== undefined, userAgent: toUserAgent(client['user-agent']) }
}
