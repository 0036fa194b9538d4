import { encodeWord } from 'nodemailer/lib/mime-funcs'
import { divide, methodOf } from '../lib/alternatives.ts'
import { postJson } from '../lib/call-api.ts'
import { encodeWeight } from '../lib/encode-large.ts'
import { exchange } from '../lib/http.ts'
import { Base64, toJsonBody } from '../lib/json-body.ts'
import { pendingFieldsWithTo } from '../lib/mailbox-text.ts'
import { foldableSubject } from '../lib/mime-words.ts'
import { toFailure } from '../lib/to-failure.ts'
import type { Io, Mailbox, OutboundAttachment, OutboundMessage, SendOutcome } from '../provider.ts'
import { accountOf, type Connection } from './account.ts'
import { toCustomArgs } from './custom-args.ts'
import { toOutcome } from './outcome.ts'

// https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send
export const categoriesMax = 10
const encodedWordCharsMax = 52

/**
 * Parameters are refused ("cannot contain ';'"), except for a calendar's method; SendGrid adds the charset itself, always UTF-8:
 * https://github.com/sendgrid/sendgrid-ruby/issues/298
 */
export const sayableType =
  /^(?:[^;]+|text\/(?:calendar(?:\s*;\s*(?:method="?[a-z]+"?|charset="?(?:utf-?8|us-ascii)"?))+|x-amp-html\s*;\s*charset="?(?:utf-?8|us-ascii)"?))$/i
/** Of a phrase that needs quotes: https://www.rfc-editor.org/rfc/rfc5322#section-3.2.3 */
const specials = /[()<>[\]:;@\\,."]/

/** Hands the message to SendGrid as JSON: it takes no MIME. */
export async function sendBySendgrid(
  message: OutboundMessage,
  connection: Connection,
  io: Io,
): Promise<SendOutcome> {
  const personalization = toPersonalization(message)
  const reason = unsayable(message, personalization.to)
  if (reason !== undefined) return toFailure('provider-cannot-express', reason)
  const json = await toJsonBody(toBody(message, personalization), encodeWeight(message))
  const reached = {
    to: personalization.to.map(({ email }) => email),
    cc: personalization.cc?.map(({ email }) => email) ?? [],
    bcc: personalization.bcc?.map(({ email }) => email) ?? [],
  }
  const request = postJson(accountOf(connection), '/v3/mail/send', json)
  return exchange(io, request, (response, now) => toOutcome(response, now, reached))
}

function unsayable({ attachments }: OutboundMessage, to: object[]): string | undefined {
  if (to.length === 0)
    return 'only copies of this message are left to send, and SendGrid needs an address in To'
  const odd = attachments.find(({ contentType }) => !sayableType.test(contentType))
  return odd && `SendGrid takes no parameters in the type of an attachment: ${odd.contentType}`
}

/** SendGrid sends to every address in the fields, so recipients reached before are left out. */
function toPersonalization(message: OutboundMessage) {
  const { to, cc, bcc } = pendingFieldsWithTo(message)
  return {
    to: to.map(toRecipient),
    ...(cc.length > 0 && { cc: cc.map(toRecipient) }),
    ...(bcc.length > 0 && { bcc: bcc.map(toRecipient) }),
  }
}

// https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send
function toBody(message: OutboundMessage, personalization: ReturnType<typeof toPersonalization>) {
  const { replyTo, tags } = message
  const { amp, calendar, files } = divide(message.attachments)
  return {
    personalizations: [personalization],
    from: toMailbox(message.from),
    ...(replyTo.length > 0 && { reply_to_list: replyTo.map(toMailbox) }),
    subject: foldableSubject(message.subject),
    // The order is the API's; an empty part is refused.
    content: [
      ...(message.text ? [{ type: 'text/plain', value: message.text }] : []),
      ...(message.html ? [{ type: 'text/html', value: message.html }] : []),
      ...(amp ? [{ type: 'text/x-amp-html', value: amp.content.toString() }] : []),
      ...(calendar ? [{ type: toType(calendar.contentType), value: calendar.content.toString() }] : []),
    ],
    ...(files.length > 0 && { attachments: files.map(toAttachment) }),
    headers: toHeaders(message),
    ...(tags.length > 0 && { categories: tags.slice(0, categoriesMax) }),
    custom_args: toCustomArgs(message, tags.slice(categoriesMax)),
  }
}

function toMailbox({ address, name }: Mailbox): { email: string; name?: string } {
  return { email: address, ...(name && { name }) }
}

/**
 * Names in to, cc and bcc are pasted into the mail as they are, and a comma would make two addresses of one:
 * https://github.com/sendgrid/sendgrid-python/issues/291. Names in from and reply_to are quoted by SendGrid.
 */
function toRecipient({ address, name = '' }: Mailbox): { email: string; name?: string } {
  const quoted = specials.test(name) ? `"${name.replace(/["\\]/g, '\\$&')}"` : name
  return toMailbox({ address, name: quoted })
}

/** SendGrid leaves the encoding of what is not ASCII to the sender. */
function toHeaders({ id, headers }: OutboundMessage): Record<string, string> {
  const fields = Object.entries(headers).map(([name, value]) => [
    name,
    /^[\x20-\x7e]*$/.test(value) ? value : encodeWord(value, 'B', encodedWordCharsMax),
  ])
  return { ...Object.fromEntries(fields), 'X-LG-Id': id }
}

/** A type as it may be written: parameters other than a method are left out. */
function toType(contentType: string): string {
  const [type = contentType] = contentType.split(';')
  const method = methodOf(contentType)
  return method === undefined ? type.trimEnd() : `${type.trimEnd()}; method=${method}`
}

function toAttachment({ filename, contentType, disposition, contentId, content }: OutboundAttachment) {
  return {
    content: new Base64(content),
    type: toType(contentType),
    filename,
    disposition,
    ...(contentId !== undefined && { content_id: contentId }),
  }
}
