import { toPublicId } from '@lettergate/contracts/lib/ids'
import type { Message, MessageAccepted } from '@lettergate/contracts/messages/responses'
import type { AcceptedMessage } from '@lettergate/core/accept'
import { pollAfterSeconds, type StoredMessage, type StoredRecipient } from '@lettergate/core/messages'

function presentRecipient(recipient: StoredRecipient): Message['recipients'][number] {
  const { kind, address, name, status, reason, updatedAt } = recipient
  return { kind, address, name, status, reason, updated_at: new Date(updatedAt).toISOString() }
}

/** Presents a message. */
export function presentMessage(message: StoredMessage): Message {
  return {
    id: toPublicId('msg', message.id),
    status: message.status,
    created_at: message.createdAt.toISOString(),
    send_at: message.sendAt?.toISOString() ?? null,
    from: { email: message.fromAddress, name: message.fromName },
    subject: message.subject,
    stream: message.stream,
    tags: message.tags,
    metadata: message.metadata,
    connection: message.connectionId === null ? null : toPublicId('con', message.connectionId),
    attachment_count: message.attachmentCount,
    callback_url: message.callbackUrl,
    recipients: message.recipients.map(presentRecipient),
    poll_after_seconds: pollAfterSeconds(message, Date.now()),
  }
}

/** Presents a message that was just stored. */
export function presentAccepted(message: AcceptedMessage, createdAt: Date): MessageAccepted {
  return {
    id: toPublicId('msg', message.id),
    status: message.status,
    created_at: createdAt.toISOString(),
    recipients: message.recipients,
    ...(message.warnings && { warnings: message.warnings }),
  }
}
