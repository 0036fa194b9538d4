import { classifyBounce } from './bounce-class.ts'
import { fieldOf, type MailFields, readFields } from './mime-tree.ts'
import type { EventDetail, ProviderEvent } from './provider-event.ts'
import { dateOf, type ReportContext } from './report-context.ts'
import { enhancedStatusIn, toEvent } from './to-event.ts'

const recipientsMax = 200

/** The recipients of a delivery status (https://www.rfc-editor.org/rfc/rfc3464#section-2.3), an event for each. */
export function readStatus(body: string, failed: readonly string[], context: ReportContext): ProviderEvent[] {
  const groups = body
    .replaceAll('\r', '')
    .split('\n\n', recipientsMax)
    .map(readFields)
    .filter((fields) => ['final-recipient', 'original-recipient', 'action'].some((name) => fields.has(name)))
  return groups.flatMap((fields, at) => {
    const event = toStatusEvent(fields, groups.length === 1 ? failed[0] : failed[at], context)
    return event ? [event] : []
  })
}

function toStatusEvent(
  fields: MailFields,
  failed: string | undefined,
  context: ReportContext,
): ProviderEvent | null {
  const diagnostic = toUtf8(withoutType(fieldOf(fields, 'diagnostic-code')))
  const status = statusOf(fieldOf(fields, 'status'), diagnostic)
  const detail = toDetail(fieldOf(fields, 'action'), status, diagnostic)
  if (detail === null) return null
  const given = {
    at: dateOf(fieldOf(fields, 'last-attempt-date')) ?? context.at,
    recipient: recipientOf(fields) ?? failed,
    messageId: context.messageId,
    mimeMessageId: context.mimeMessageId,
    code: fieldOf(fields, 'action').toLowerCase() || undefined,
    reason: diagnostic || fieldOf(fields, 'status'),
    enhancedStatus: status,
  }
  return toEvent(detail, given, context.receivedAt)
}

function toDetail(action: string, status: string | undefined, words: string): EventDetail | null {
  const stated = action.trim().toLowerCase().split(/\s/)[0] || actionOf(status)
  switch (stated) {
    case 'failed':
    case 'failure':
      return { kind: 'bounced', bounce: classifyBounce(status, words) ?? 'soft' }
    case 'delayed':
      return { kind: 'deferred' }
    case 'delivered':
    case 'relayed':
    case 'expanded':
      return { kind: 'delivered' }
    default:
      return null
  }
}

/** Some servers leave the action out. */
function actionOf(status: string | undefined): string {
  return { 2: 'delivered', 4: 'delayed', 5: 'failed' }[status?.charAt(0) ?? ''] ?? ''
}

/** A status that says nothing beyond its class is replaced by the one in the words of the mail server. */
function statusOf(status: string, diagnostic: string): string | undefined {
  const stated = enhancedStatusIn(status)
  const said = enhancedStatusIn(diagnostic)
  return stated === undefined || /^\d\.0\.0$/.test(stated) ? (said ?? stated) : stated
}

/** The recipient that we sent it to; if the server does not say, the address after forwarding. */
function recipientOf(fields: MailFields): string | undefined {
  for (const name of ['original-recipient', 'final-recipient']) {
    const address = decodeXtext(withoutType(fieldOf(fields, name))).replace(/^<|>$/g, '')
    if (address.includes('@')) return address
  }
  return undefined
}

/** `rfc822; a@b.c` and `smtp; 550 …`, also without the type. */
function withoutType(value: string): string {
  const end = value.indexOf(';')
  const isTyped = end > 0 && end < 40 && !/[\s@<]/.test(value.slice(0, end).trim())
  return (isTyped ? value.slice(end + 1) : value).trim()
}

/** https://www.rfc-editor.org/rfc/rfc3461#section-4 */
function decodeXtext(text: string): string {
  return text.replace(/\+([0-9A-F]{2})/g, (_found, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
}

function toUtf8(text: string): string {
  return Buffer.from(text, 'latin1').toString()
}
