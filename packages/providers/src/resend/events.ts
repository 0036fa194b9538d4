import { classifyBounce } from '../lib/bounce-class.ts'
import { type Fields, objectIn, readEvents, readRecord } from '../lib/event-records.ts'
import { headerOf } from '../lib/hook-checks.ts'
import type { BounceClass, EventDetail, Reading } from '../lib/provider-event.ts'
import { enhancedStatusIn, textOr, toEvent, toMs, toUrl, toUserAgent } from '../lib/to-event.ts'
import type { Hook } from '../provider.ts'

const recipientsMax = 50

// https://resend.com/docs/dashboard/webhooks/event-types
const details = new Map<unknown, (data: Fields) => EventDetail | null>([
  ['email.scheduled', () => ({ kind: 'accepted' })],
  ['email.sent', () => ({ kind: 'sent' })],
  ['email.delivery_delayed', () => ({ kind: 'deferred' })],
  ['email.delivered', () => ({ kind: 'delivered' })],
  ['email.bounced', ({ bounce }) => toBounced(objectIn(bounce))],
  ['email.suppressed', () => ({ kind: 'rejected', suppressed: true })],
  ['email.failed', () => ({ kind: 'rejected', suppressed: false })],
  ['email.complained', () => ({ kind: 'complained' })],
  ['email.opened', ({ open }) => ({ kind: 'opened', byMachine: false, ...agentOf(open) })],
  [
    'email.clicked',
    ({ click }) => ({
      kind: 'clicked',
      byMachine: false,
      ...agentOf(click),
      url: toUrl(objectIn(click).link),
    }),
  ],
  ['email.received', () => null],
])

const transient = new Map<unknown, BounceClass>([
  ['ContentRejected', 'block'],
  ['AttachmentRejected', 'block'],
])

/** Kinds of permanent bounces of addresses on the list of Resend, which it did not send to. */
const suppressed = new Set<unknown>(['Suppressed', 'OnAccountSuppressionList'])

/** Events about all recipients of a mail. Any other may be about one of them, and Resend does not say which. */
const ofAll = new Set<unknown>(['email.scheduled', 'email.sent'])

/** The one event of a request; its id is that of the request, which a repeat keeps. */
export function parseResend(hook: Hook, receivedAt: Date): Reading {
  const record = readRecord(hook.body)
  return readEvents(
    { records: record ? [record] : [], unread: record ? 0 : 1 },
    ({ type, created_at, data }) => {
      if (typeof type === 'string' && !type.startsWith('email.')) return null
      const fields = objectIn(data)
      const detail = details.get(type)?.(fields)
      if (!detail) return detail
      const given = {
        id: headerOf(hook, 'svix-id') ?? headerOf(hook, 'webhook-id'),
        at: toMs(created_at),
        messageId: tagIn(fields.tags),
        providerMessageId: fields.email_id,
        mimeMessageId: fields.message_id,
        ...causeOf(fields),
      }
      return recipientsOf(type, fields.to).map((recipient) =>
        toEvent(detail, { ...given, recipient }, receivedAt),
      )
    },
  )
}

function recipientsOf(type: unknown, to: unknown): unknown[] {
  const all = Array.isArray(to) ? to.slice(0, recipientsMax) : [to]
  return all.length === 1 || ofAll.has(type) ? all : [undefined]
}

/** Tags come as an object, or as the list that the API takes. */
function tagIn(tags: unknown): unknown {
  if (!Array.isArray(tags)) return objectIn(tags).lg_id
  return tags
    .slice(0, recipientsMax)
    .map(objectIn)
    .find(({ name }) => name === 'lg_id')?.value
}

/** Its words are those of Amazon SES, by which Resend sends: https://resend.com/docs/dashboard/emails/email-bounces */
function toBounced(bounce: Fields): EventDetail {
  const { type, subType } = bounce
  if (type !== 'Permanent') return { kind: 'bounced', bounce: transient.get(subType) ?? 'soft' }
  if (suppressed.has(subType)) return { kind: 'rejected', suppressed: true }
  const words = wordsOf(bounce) ?? ''
  const stated = classifyBounce(enhancedStatusIn(words), words)
  return { kind: 'bounced', bounce: stated === 'block' ? 'block' : 'hard' }
}

function causeOf({ bounce, suppressed, failed }: Fields) {
  const cause = { ...objectIn(failed), ...objectIn(suppressed), ...objectIn(bounce) }
  return {
    code: textOr(cause.subType, 100) ?? cause.type,
    reason: wordsOf(cause) ?? textOr(cause.message, 500) ?? cause.reason,
  }
}

/** The words of the mail server. */
function wordsOf({ diagnosticCode }: Fields): string | undefined {
  return textOr(Array.isArray(diagnosticCode) ? diagnosticCode[0] : diagnosticCode, 500)
}

function agentOf(value: unknown) {
  return { userAgent: toUserAgent(objectIn(value).userAgent) }
}
