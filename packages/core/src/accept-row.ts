import type { NewMessage } from '@lettergate/contracts/send-request'
import type { AcceptRow } from '@lettergate/db/sql/accept-messages'

/** What a repeat of the request is answered with; statuses follow from `send_at` and the time of acceptance. */
export type StoredAnswer = {
  messages: {
    id: string
    send_at?: string
    recipients: { address: string; kind: 'to' | 'cc' | 'bcc' }[]
  }[]
  extra?: unknown
}

/** What `message_content.document` holds. */
export type ContentDocument = {
  text?: string
  html?: string
  headers?: Record<string, string>
  reply_to?: { address: string; name?: string | undefined }[]
}

function contentDocument(message: NewMessage): ContentDocument {
  return {
    ...(message.text === undefined ? {} : { text: message.text }),
    ...(message.html === undefined ? {} : { html: message.html }),
    ...(Object.keys(message.headers).length === 0 ? {} : { headers: message.headers }),
    ...(message.replyTo.length === 0 ? {} : { reply_to: message.replyTo }),
  }
}

function recipientRows(message: NewMessage): AcceptRow['recipients'] {
  const rows: AcceptRow['recipients'] = []
  for (const kind of ['to', 'cc', 'bcc'] as const) {
    for (const { address, name } of message[kind]) rows.push({ kind, address, name: name ?? null })
  }
  return rows
}

/** The rows of one message. Tags are restricted to characters that need no escape in an array literal. */
export function acceptRow(id: string, message: NewMessage): AcceptRow {
  const document = JSON.stringify(contentDocument(message))
  const attachmentBytes = message.attachments.reduce((sum, { content }) => sum + content.length, 0)
  return {
    id,
    stream: message.stream,
    fromAddress: message.from.address,
    fromName: message.from.name ?? null,
    subject: message.subject,
    tags: message.tags.length === 0 ? '{}' : `{"${message.tags.join('","')}"}`,
    metadata: Object.keys(message.metadata).length === 0 ? null : JSON.stringify(message.metadata),
    sendAt: message.sendAt ?? null,
    connectionId: message.connectionId ?? null,
    attachmentCount: message.attachments.length,
    contentBytes: document.length + attachmentBytes,
    document,
    recipients: recipientRows(message),
  }
}

export function storedAnswer(rows: AcceptRow[], extra: unknown): StoredAnswer {
  return {
    messages: rows.map(({ id, sendAt, recipients }) => ({
      id,
      ...(sendAt ? { send_at: sendAt.toISOString() } : {}),
      recipients: recipients.map(({ address, kind }) => ({ address, kind })),
    })),
    ...(extra === undefined ? {} : { extra }),
  }
}
