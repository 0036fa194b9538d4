import { fieldOf, type MailFields, type MailPart, readFields, splitHead } from './mime-tree.ts'
import type { EventDetail, ProviderEvent } from './provider-event.ts'
import { dateOf, type ReportContext } from './report-context.ts'
import { toAddress, toEvent } from './to-event.ts'

const recipientsMax = 20

// https://www.iana.org/assignments/marf-parameters/: reports on authentication are about the domain, and not on a message.
const details = new Map<string, EventDetail | null>([
  ['abuse', { kind: 'complained' }],
  ['fraud', { kind: 'complained' }],
  ['virus', { kind: 'complained' }],
  ['other', { kind: 'complained' }],
  ['opt-out', { kind: 'unsubscribed' }],
  ['opt-out-list', { kind: 'unsubscribed' }],
  ['not-spam', null],
  ['auth-failure', null],
  ['dmarc', null],
])

/** The complaint in a feedback report, or in the older form that Outlook.com sends; null where the mail is neither. */
export function readComplaint(parts: readonly MailPart[], context: ReportContext): ProviderEvent[] | null {
  const report = parts.find(({ type }) => type === 'message/feedback-report')
  const returned = parts.find(({ type }) => type === 'message/rfc822' || type === 'text/rfc822-headers')
  const original = returned ? splitHead(returned.body).fields : new Map<string, string[]>()
  if (report) return readFeedback(readFields(report.body.replaceAll('\r', '').trim()), original, context)
  const complainer = fieldOf(original, 'x-hmxmroriginalrecipient')
  return complainer ? toEvents({ kind: 'complained' }, [complainer], 'abuse', context) : null
}

function readFeedback(fields: MailFields, original: MailFields, context: ReportContext): ProviderEvent[] {
  const type = fieldOf(fields, 'feedback-type').toLowerCase()
  const detail = details.has(type) ? details.get(type) : { kind: 'complained' as const }
  if (!detail) return []
  const named = fields.get('original-rcpt-to') ?? []
  const at = dateOf(fieldOf(fields, 'arrival-date')) ?? context.at
  return toEvents(detail, named.length > 0 ? named : onlyRecipient(original), type, { ...context, at })
}

/** Of several in To it may be any. */
function onlyRecipient(original: MailFields): readonly (string | undefined)[] {
  const [to = '', ...more] = original.get('to') ?? []
  const isOne = more.length === 0 && !to.includes(',') && !original.has('cc')
  return [isOne ? to : undefined]
}

function toEvents(
  detail: EventDetail,
  recipients: readonly (string | undefined)[],
  code: string,
  { receivedAt, ...common }: ReportContext,
): ProviderEvent[] {
  return recipients
    .slice(0, recipientsMax)
    .map((recipient) => toEvent(detail, { ...common, recipient: toAddress(recipient), code }, receivedAt))
}
