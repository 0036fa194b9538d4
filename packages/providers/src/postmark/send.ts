import { postJson } from '../lib/call-api.ts'
import { encodeWeight } from '../lib/encode-large.ts'
import { exchange } from '../lib/http.ts'
import { Base64, toJsonBody } from '../lib/json-body.ts'
import { mailboxText, pendingFields } from '../lib/mailbox-text.ts'
import { foldableSubject } from '../lib/mime-words.ts'
import type { Io, Mailbox, OutboundAttachment, OutboundMessage, SendOutcome } from '../provider.ts'
import { accountOf, type Connection, type Settings } from './account.ts'
import { toMetadata } from './metadata.ts'
import { toOutcome } from './outcome.ts'

/** Hands the message to Postmark as JSON: it takes no MIME. */
export async function sendByPostmark(
  message: OutboundMessage,
  connection: Connection,
  io: Io,
): Promise<SendOutcome> {
  const json = await toJsonBody(toBody(message, connection.settings), encodeWeight(message))
  return exchange(io, postJson(accountOf(connection), '/email', json), (response, now) =>
    toOutcome(response, now, message.envelopeTo),
  )
}

/**
 * https://postmarkapp.com/developer/api/email-api#send-a-single-email. The recipients are those in its fields, so
 * recipients that were reached before are left out; one of the three fields is enough.
 */
function toBody(message: OutboundMessage, settings: Settings) {
  const { to, cc, bcc } = pendingFields(message)
  return {
    From: mailboxText(message.from),
    To: list(to),
    Cc: list(cc),
    Bcc: list(bcc),
    ReplyTo: list(message.replyTo),
    Subject: foldableSubject(message.subject),
    TextBody: message.text,
    HtmlBody: message.html,
    Tag: message.tags[0],
    Metadata: toMetadata(message),
    Headers: Object.entries({ ...message.headers, 'X-LG-Id': message.id }).map(([Name, Value]) => ({
      Name,
      Value,
    })),
    Attachments: message.attachments.length > 0 ? message.attachments.map(toAttachment) : undefined,
    MessageStream: settings.message_stream,
  }
}

function list(mailboxes: Mailbox[]): string | undefined {
  return mailboxes.length > 0 ? mailboxes.map(mailboxText).join(', ') : undefined
}

function toAttachment({ filename, contentType, content, disposition, contentId }: OutboundAttachment) {
  return {
    Name: filename,
    ContentType: contentType,
    Content: new Base64(content),
    // Attachments with a content id are shown inline.
    ...(disposition === 'inline' && contentId !== undefined && { ContentID: `cid:${contentId}` }),
  }
}
