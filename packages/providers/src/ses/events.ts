import { classifyBounce } from '../lib/bounce-class.ts'
import { type Fields, objectIn, readEvents, readRecord } from '../lib/event-records.ts'
import type { BounceClass, EventDetail, ProviderEvent, Reading } from '../lib/provider-event.ts'
import { textOr, toEnhancedStatus, toEvent, toMs, toUrl, toUserAgent } from '../lib/to-event.ts'

const recipientsMax = 100
const headersMax = 200

/** An event of one recipient; without an address SES does not say whose of the message's recipients. */
type Happened = EventDetail & { recipient?: unknown; code?: unknown; reason?: unknown; status?: unknown }

/** Reads the part of an event that is named after it. */
type ReadPart = (part: Fields, destination: readonly unknown[]) => readonly Happened[] | null

// https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html
const parts = new Map<unknown, readonly [member: string, read: ReadPart]>([
  ['Send', ['send', (_part, all) => all.map((recipient) => ({ kind: 'sent', recipient }))]],
  ['DeliveryDelay', ['deliveryDelay', toDelayed]],
  ['Delivery', ['delivery', toDelivered]],
  ['Bounce', ['bounce', toBounced]],
  ['Complaint', ['complaint', toComplained]],
  ['Reject', ['reject', ({ reason }, all) => all.map((recipient) => toRejected(recipient, { reason }))]],
  ['Rendering Failure', ['failure', toUnrendered]],
  ['Open', ['open', (part, all) => [{ kind: 'opened', byMachine: false, ...agentOf(part), ...onlyOf(all) }]]],
  ['Click', ['click', toClicked]],
  ['Subscription', ['subscription', toUnsubscribed]],
])

const suppressedTypes = new Set<unknown>([
  'Suppressed',
  'OnAccountSuppressionList',
  'OnTenantSuppressionList',
  'EmailValidationSuppressed',
  'UnsubscribedRecipient',
])

/** The events of one notification, an event for each recipient. */
export function parseSes(body: Buffer, receivedAt: Date): Reading {
  const envelope = readRecord(body)
  if (envelope === undefined) return { events: [], unread: 1 }
  const { Type, Message, MessageId } = envelope
  // Confirmations, and the line of text with which SES tests a topic.
  const isNone = Type === 'SubscriptionConfirmation' || Type === 'UnsubscribeConfirmation'
  const isTrial = typeof Message === 'string' && Message.startsWith('Successfully validated SNS topic')
  if (isNone || isTrial) return { events: [], unread: 0 }
  const event = typeof Message === 'string' ? readRecord(Buffer.from(Message)) : undefined
  if (event === undefined) return { events: [], unread: 1 }
  return readEvents({ records: [event], unread: 0 }, (record) => readOne(record, MessageId, receivedAt))
}

function readOne(event: Fields, id: unknown, receivedAt: Date): ProviderEvent[] | null | undefined {
  const found = parts.get(event.eventType ?? event.notificationType)
  if (!found) return undefined
  const [member, read] = found
  const part = objectIn(event[member])
  const mail = objectIn(event.mail)
  const common = {
    id,
    at: toMs(part.timestamp) ?? toMs(mail.timestamp),
    messageId: correlationIn(mail),
    providerMessageId: mail.messageId,
    mimeMessageId: objectIn(mail.commonHeaders).messageId,
  }
  const happened = read(part, listIn(mail.destination))
  if (happened === null) return null
  return happened.map(({ recipient, code, reason, status, ...detail }) =>
    toEvent(detail, { ...common, recipient, code, reason, enhancedStatus: status }, receivedAt),
  )
}

function listIn(value: unknown): unknown[] {
  return Array.isArray(value) ? value.slice(0, recipientsMax) : []
}

/** Our id in the tags, or in the header field where an older notification has no tags. */
function correlationIn({ tags, headers }: Fields): unknown {
  const [tag] = listIn(objectIn(tags).lg_id)
  if (tag !== undefined) return tag
  const fields = Array.isArray(headers) ? headers.slice(0, headersMax).map(objectIn) : []
  return fields.find(({ name }) => typeof name === 'string' && name.toLowerCase() === 'x-lg-id')?.value
}

function toDelayed({ delayType, delayedRecipients }: Fields): Happened[] {
  return listIn(delayedRecipients)
    .map(objectIn)
    .map(({ emailAddress, diagnosticCode, status }) => ({
      kind: 'deferred',
      recipient: emailAddress,
      code: delayType,
      reason: diagnosticCode,
      status,
    }))
}

function toDelivered({ recipients, smtpResponse }: Fields): Happened[] {
  return listIn(recipients).map((recipient) => ({ kind: 'delivered', recipient, reason: smtpResponse }))
}

/**
 * SES reports the answer of a machine, such as `I am on holiday`, as a general bounce without any field of a mail server's report:
 * https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html#bounce-types. Such a recipient has the mail.
 */
function isAutomaticAnswer({ bounceType, bounceSubType }: Fields, recipient: Fields): boolean {
  const isReported = [recipient.action, recipient.status, recipient.diagnosticCode].some(
    (field) => textOr(field, 1) !== undefined,
  )
  return bounceType === 'Transient' && bounceSubType === 'General' && !isReported
}

function toBounced(bounce: Fields): Happened[] {
  const { bounceType, bounceSubType, bouncedRecipients } = bounce
  const code = [bounceType, bounceSubType]
    .map((word) => textOr(word, 40) ?? '')
    .join(' ')
    .trim()
  return listIn(bouncedRecipients)
    .map(objectIn)
    .filter((recipient) => !isAutomaticAnswer(bounce, recipient))
    .map(({ emailAddress, diagnosticCode, status }) => {
      const words = { code, reason: diagnosticCode, status }
      if (bounceType === 'Permanent' && suppressedTypes.has(bounceSubType))
        return { ...toRejected(emailAddress, words), suppressed: true }
      const stated = classifyBounce(toEnhancedStatus(status), textOr(diagnosticCode, 500))
      return {
        kind: 'bounced',
        bounce: toClass(bounceType, bounceSubType, stated),
        recipient: emailAddress,
        ...words,
      }
    })
}

function toClass(type: unknown, subType: unknown, stated: BounceClass | undefined): BounceClass {
  if (stated === 'block' || subType === 'ContentRejected' || subType === 'AttachmentRejected') return 'block'
  return type === 'Permanent' ? 'hard' : 'soft'
}

/** Mailbox providers hide who complained: of several it may be any. */
function toComplained(part: Fields): Happened[] | null {
  const { complaintSubType, complaintFeedbackType: code, complainedRecipients } = part
  if (code === 'not-spam') return null
  const all = listIn(complainedRecipients).map((one) => objectIn(one).emailAddress)
  if (complaintSubType === 'OnAccountSuppressionList')
    return all.map((recipient) => ({
      ...toRejected(recipient, { code: complaintSubType }),
      suppressed: true,
    }))
  return [{ kind: 'complained', ...onlyOf(all), code }]
}

function toRejected(recipient: unknown, words: { code?: unknown; reason?: unknown; status?: unknown }) {
  return { kind: 'rejected', suppressed: false, recipient, ...words } as const
}

function toUnrendered({ errorMessage, templateName }: Fields, all: readonly unknown[]): Happened[] {
  return all.map((recipient) => toRejected(recipient, { code: templateName, reason: errorMessage }))
}

function toClicked(part: Fields, all: readonly unknown[]): Happened[] {
  return [{ kind: 'clicked', byMachine: false, ...agentOf(part), url: toUrl(part.link), ...onlyOf(all) }]
}

/** Both list all topics, also those that were left long ago. */
function toUnsubscribed(
  { newTopicPreferences, oldTopicPreferences }: Fields,
  all: readonly unknown[],
): Happened[] | null {
  const [left, before] = [leftIn(newTopicPreferences), leftIn(oldTopicPreferences)]
  const hasLeft = !before.includes(true) && left.some((topic) => !before.includes(topic))
  return hasLeft ? [{ kind: 'unsubscribed', ...onlyOf(all) }] : null
}

/** The topics that a contact does not want; `true` stands for all of them. */
function leftIn(preferences: unknown): unknown[] {
  const { unsubscribeAll, topicSubscriptionStatus } = objectIn(preferences)
  const topics = listIn(topicSubscriptionStatus)
    .map(objectIn)
    .filter(({ subscriptionStatus }) => subscriptionStatus === 'OptOut')
  return [...topics.map(({ topicName }) => topicName), ...(unsubscribeAll === true ? [true] : [])]
}

function onlyOf(all: readonly unknown[]): { recipient?: unknown } {
  return all.length === 1 ? { recipient: all[0] } : {}
}

function agentOf({ userAgent }: Fields) {
  return { userAgent: toUserAgent(userAgent) }
}
