import { toPublicId, uuidTime } from '@lettergate/contracts/lib/ids'
import type { NewMessage, NewMime } from '@lettergate/contracts/messages/send-request'
import { missingFields } from '@lettergate/providers/raw-mime/read-mime'
import type { ContentDocument, Envelope, StoredMime } from '../lib/index.ts'
import { attachmentFacts } from '../routing/index.ts'
import type { AcceptRow, SuppressedRecipient } from './sql/accept-messages.ts'

/**
 * What a repeat of the request is answered with; statuses follow from `send_at` and the time of acceptance. The statement that stores the
 * messages adds `suppressed` where a recipient is, and `held` where a message is.
 */
export type StoredAnswer = {
  messages: {
    id: string
    send_at?: string
    /** Absent: none. */
    warnings?: readonly string[]
    recipients: { address: string; kind: 'to' | 'cc' | 'bcc' }[]
  }[]
  extra?: unknown
  suppressed?: readonly SuppressedRecipient[]
  /** Messages that wait for room on the pool. */
  held?: readonly string[]
}

/** A mail with the fields that it lacks, and what is stored of it. */
type WholeMail = { raw: Buffer; stored: StoredMime }

/** Dated by the message's id, so that the mail is the same whenever it is made. */
function wholeMail(id: string, from: string, mime: NewMime): WholeMail {
  const own = `<${toPublicId('msg', id)}@${from.slice(from.lastIndexOf('@') + 1)}>`
  const missing = missingFields(mime, { date: uuidTime(id), messageId: own })
  const raw = missing === '' ? mime.mail : Buffer.concat([Buffer.from(missing), mime.mail])
  const { isAscii, isHeadAscii, orders, namesOthers, textBytes, htmlBytes, lost } = mime
  return {
    raw,
    stored: {
      bytes: raw.length,
      message_id: mime.messageId ?? own,
      ...(isAscii ? {} : { beyond_ascii: isHeadAscii ? 'body' : 'head' }),

      orders,
      names_others: namesOthers,
      lost,
      ...(textBytes !== undefined && { text_bytes: textBytes }),
      ...(htmlBytes !== undefined && { html_bytes: htmlBytes }),
    },
  }
}

function contentDocument(
  id: string,
  message: NewMessage,
  recipients: Envelope['recipients'],
  mail: WholeMail | undefined,
): ContentDocument {
  const files = attachmentFacts(message)
  const returnPath = message.makeReturnPath?.(id) ?? message.returnPath
  return {
    envelope: {
      from: message.from,
      subject: message.subject,
      tags: message.tags,
      ...(Object.keys(message.metadata).length === 0 ? {} : { metadata: message.metadata }),
      ...(message.connectionId === undefined ? {} : { connection_id: message.connectionId }),
      ...(message.stream === 'bulk' ? { stream: message.stream } : {}),
      attachment_count: files.length,
      ...(files.length === 0 ? {} : { attachments: files }),
      recipients,
    },
    ...(message.text === undefined ? {} : { text: message.text }),
    ...(message.html === undefined ? {} : { html: message.html }),
    ...(Object.keys(message.headers).length === 0 ? {} : { headers: message.headers }),
    ...(message.replyTo.length === 0 ? {} : { reply_to: message.replyTo }),
    ...(returnPath === undefined ? {} : { return_path: returnPath }),
    ...(message.dsn && { dsn: message.dsn }),
    ...(mail && { mime: mail.stored }),
  }
}

function recipientRows(message: NewMessage): AcceptRow['recipients'] {
  const rows: AcceptRow['recipients'] = []
  for (const kind of ['to', 'cc', 'bcc'] as const) {
    for (const { address, name } of message[kind]) rows.push({ kind, address, name: name ?? null })
  }
  return rows
}

/** The rows of one message. */
export function acceptRow(
  id: string,
  message: NewMessage,
  replyAddress?: (messageId: string) => string,
): AcceptRow {
  const recipients = recipientRows(message)
  const mail = message.mime && wholeMail(id, message.from.address, message.mime)
  const replyTo = message.replyTracking && replyAddress ? [{ address: replyAddress(id) }] : message.replyTo
  const document = JSON.stringify(contentDocument(id, { ...message, replyTo }, recipients, mail))
  const attachmentBytes = message.attachments.reduce((sum, { content }) => sum + content.length, 0)
  return {
    id,
    stream: message.stream,
    fromAddress: message.from.address,
    fromName: message.from.name ?? null,
    subject: message.subject,
    tags: message.tags,
    metadata: Object.keys(message.metadata).length === 0 ? null : message.metadata,
    sendAt: message.sendAt ?? null,
    connectionId: message.connectionId ?? null,
    callbackUrl: message.callbackUrl ?? null,
    attachmentCount: message.mime?.attachments.length ?? message.attachments.length,
    contentBytes: document.length + attachmentBytes + (mail?.raw.length ?? 0),
    document,
    recipients,
    ...(mail && { raw: mail.raw }),
  }
}

export function storedAnswer(
  rows: AcceptRow[],
  extra: unknown,
  warnings: readonly string[][] = [],
): StoredAnswer {
  return {
    messages: rows.map(({ id, sendAt, recipients }, index) => ({
      id,
      ...(warnings[index]?.length && { warnings: warnings[index] }),
      ...(sendAt ? { send_at: sendAt.toISOString() } : {}),
      recipients: recipients.map(({ address, kind }) => ({ address, kind })),
    })),
    ...(extra === undefined ? {} : { extra }),
  }
}
