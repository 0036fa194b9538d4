import { postJson } from '../lib/call-api.ts'
import { encodeWeight } from '../lib/encode-large.ts'
import { exchange } from '../lib/http.ts'
import { Base64, toJsonBody } from '../lib/json-body.ts'
import { mailboxText, pendingFieldsWithTo } from '../lib/mailbox-text.ts'
import { foldableSubject } from '../lib/mime-words.ts'
import { toFailure } from '../lib/to-failure.ts'
import type { Io, OutboundAttachment, OutboundMessage, SendOutcome } from '../provider.ts'
import { accountOf, type Connection } from './account.ts'
import { toOutcome } from './outcome.ts'

const tagCharsMax = 256

/** Hands the message to Resend as JSON: it takes no MIME. */
export async function sendByResend(
  message: OutboundMessage,
  connection: Connection,
  io: Io,
): Promise<SendOutcome> {
  const body = toBody(message)
  if (body.to.length === 0) {
    const reason = 'only copies of this message are left to send, and Resend needs an address in To'
    return toFailure('provider-cannot-express', reason)
  }
  const { headers, ...account } = accountOf(connection)
  const json = await toJsonBody(body, encodeWeight(message))
  const repeatable = { ...account, headers: { ...headers, 'Idempotency-Key': message.attemptKey } }
  return exchange(io, postJson(repeatable, '/emails', json), toOutcome)
}

/**
 * https://resend.com/docs/api-reference/emails/send-email. The same message gives the same text every time: with another one
 * under the same key, Resend would refuse the repeat. The recipients are those in its fields, so recipients that
 * were reached before are left out.
 */
function toBody(message: OutboundMessage) {
  const { to, cc, bcc } = pendingFieldsWithTo(message)
  return {
    from: mailboxText(message.from),
    to: to.map(mailboxText),
    ...(cc.length > 0 && { cc: cc.map(mailboxText) }),
    ...(bcc.length > 0 && { bcc: bcc.map(mailboxText) }),
    ...(message.replyTo.length > 0 && { reply_to: message.replyTo.map(mailboxText) }),
    subject: foldableSubject(message.subject),
    text: message.text,
    html: message.html,
    headers: { ...message.headers, 'X-LG-Id': message.id },
    ...(message.attachments.length > 0 && { attachments: message.attachments.map(toAttachment) }),
    tags: [
      { name: 'lg_id', value: fold(message.id) },
      ...message.tags.map((tag, at) => ({ name: `lg_tag_${at + 1}`, value: fold(tag) })),
    ],
  }
}

function toAttachment({ filename, contentType, content, disposition, contentId }: OutboundAttachment) {
  return {
    filename,
    content_type: contentType,
    content: new Base64(content),
    // Attachments with a content id are shown inline.
    ...(disposition === 'inline' && contentId !== undefined && { content_id: contentId }),
  }
}

function fold(value: string): string {
  return value.replace(/[^A-Za-z0-9_-]/g, '_').slice(0, tagCharsMax)
}
