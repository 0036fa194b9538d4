import { hash } from 'node:crypto'
import { postJson } from '../lib/call-api.ts'
import { encodeWeight } from '../lib/encode-large.ts'
import { exchange } from '../lib/http.ts'
import { Base64, toJsonBody } from '../lib/json-body.ts'
import { pendingFieldsWithTo } from '../lib/mailbox-text.ts'
import { toFailure } from '../lib/to-failure.ts'
import type { Io, Mailbox, OutboundAttachment, OutboundMessage, SendOutcome } from '../provider.ts'
import { accountOf, type Connection } from './account.ts'
import { correlationHeaders } from './correlation.ts'
import { brevoName, inexpressible } from './expressible.ts'
import { toOutcome } from './outcome.ts'

/** Hands the message to Brevo as JSON: it takes no MIME. */
export async function sendByBrevo(
  message: OutboundMessage,
  connection: Connection,
  io: Io,
): Promise<SendOutcome> {
  const what = inexpressible(message)
  if (what !== undefined) return toFailure('provider-cannot-express', `Brevo cannot send ${what}`)
  const body = toBody(message)
  if (body.to.length === 0) {
    const reason = 'only copies of this message are left to send, and Brevo needs an address in To'
    return toFailure('provider-cannot-express', reason)
  }
  const json = await toJsonBody(body, encodeWeight(message))
  return exchange(io, postJson(accountOf(connection), '/smtp/email', json), toOutcome)
}

/**
 * https://developers.brevo.com/reference/sendtransacemail. The recipients are those in its fields, so recipients that
 * were reached before are left out.
 */
function toBody(message: OutboundMessage) {
  const { to, cc, bcc } = pendingFieldsWithTo(message)
  const [replyTo] = message.replyTo
  return {
    sender: toContact(message.from),
    to: to.map(toContact),
    ...(cc.length > 0 && { cc: cc.map(toContact) }),
    ...(bcc.length > 0 && { bcc: bcc.map(toContact) }),
    ...(replyTo && { replyTo: toContact(replyTo) }),
    subject: message.subject,
    textContent: message.text,
    htmlContent: message.html,
    headers: {
      ...message.headers,
      'X-LG-Id': message.id,
      ...correlationHeaders(message),
      // Only here and in this spelling; as `Idempotency-Key`, or as a field of the request, it is ignored:
      // https://github.com/getbrevo/brevo-node/issues/94
      idempotencyKey: toUuid(message.attemptKey),
    },
    ...(message.attachments.length > 0 && { attachment: message.attachments.map(toAttachment) }),
    ...(message.tags.length > 0 && { tags: message.tags }),
  }
}

function toContact(mailbox: Mailbox) {
  const name = brevoName(mailbox)
  return { email: mailbox.address, ...(name !== undefined && { name }) }
}

function toAttachment({ filename, content }: OutboundAttachment) {
  return { name: filename, content: new Base64(content) }
}

/** The same UUID for the same text, in the form of version 5 (https://www.rfc-editor.org/rfc/rfc9562#section-5.5). */
export function toUuid(text: string): string {
  const digest = hash('sha256', text)
  const variant = ((Number.parseInt(digest.charAt(16), 16) & 0x3) | 0x8).toString(16)
  return [
    digest.slice(0, 8),
    digest.slice(8, 12),
    `5${digest.slice(13, 16)}`,
    `${variant}${digest.slice(17, 20)}`,
    digest.slice(20, 32),
  ].join('-')
}
