import type { NewMessage } from '@lettergate/contracts/messages/send-request'
import type { ContentDocument, Envelope } from '../lib/index.ts'
import { attachmentFacts } from '../routing/index.ts'
import type { AcceptRow } from './sql/accept-messages.ts'

/** What a repeat of the request is answered with; statuses follow from `send_at` and the time of acceptance. */
export type StoredAnswer = {
  messages: {
    id: string
    send_at?: string
    recipients: { address: string; kind: 'to' | 'cc' | 'bcc' }[]
  }[]
  extra?: unknown
}

function contentDocument(message: NewMessage, recipients: Envelope['recipients']): ContentDocument {
  return {
    envelope: {
      from: message.from,
      subject: message.subject,
      tags: message.tags,
      ...(Object.keys(message.metadata).length === 0 ? {} : { metadata: message.metadata }),
      ...(message.connectionId === undefined ? {} : { connection_id: message.connectionId }),
      ...(message.stream === 'bulk' ? { stream: message.stream } : {}),
      attachment_count: message.attachments.length,
      ...(message.attachments.length === 0 ? {} : { attachments: attachmentFacts(message) }),
      recipients,
    },
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

/** The rows of one message. */
export function acceptRow(id: string, message: NewMessage): AcceptRow {
  const recipients = recipientRows(message)
  const document = JSON.stringify(contentDocument(message, recipients))
  const attachmentBytes = message.attachments.reduce((sum, { content }) => sum + content.length, 0)
  return {
    id,
    stream: message.stream,
    fromAddress: message.from.address,
    fromName: message.from.name ?? null,
    subject: message.subject,
    tags: message.tags,
    metadata: Object.keys(message.metadata).length === 0 ? null : JSON.stringify(message.metadata),
    sendAt: message.sendAt ?? null,
    connectionId: message.connectionId ?? null,
    attachmentCount: message.attachments.length,
    contentBytes: document.length + attachmentBytes,
    document,
    recipients,
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
