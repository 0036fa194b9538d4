import { toPublicId } from '@lettergate/contracts/lib/ids'
import type { Queryable } from '@lettergate/db/pool'
import type { Mailbox, OutboundMessage } from '@lettergate/providers/provider'
import { toWireHeaders } from '../lib/index.ts'
import { pendingRecipients } from './select-recipients.ts'
import type { LoadedMessage, LoadedRecipient } from './sql/load-claimed.ts'
import { readAttachments } from './sql/read-attachments.ts'

/** The parts of a message that `toOutbound` reads. */
export type OutboundSource = Pick<
  LoadedMessage,
  | 'tenantId'
  | 'messageId'
  | 'createdAt'
  | 'fromAddress'
  | 'fromName'
  | 'subject'
  | 'tags'
  | 'metadata'
  | 'attachmentCount'
  | 'document'
  | 'recipients'
>

const mailbox = (address: string, name: string | null): Mailbox =>
  name === null ? { address } : { address, name }

/** Builds the message for a provider: the same for every attempt, except for the pending recipients. */
export async function toOutbound(
  db: Queryable,
  source: OutboundSource,
  pending: LoadedRecipient[] = pendingRecipients(source),
): Promise<OutboundMessage> {
  const id = toPublicId('msg', source.messageId)
  const ofKind = (kind: 'to' | 'cc' | 'bcc') =>
    source.recipients.filter((row) => row.kind === kind).map((row) => mailbox(row.address, row.name))
  const attachments =
    source.attachmentCount === 0
      ? []
      : await readAttachments(db, { tenantId: source.tenantId, id: source.messageId })
  return {
    id,
    attemptKey: `${id}-${pending.map((row) => row.position).join('.')}`,
    createdAt: source.createdAt,
    from: mailbox(source.fromAddress, source.fromName),
    to: ofKind('to'),
    cc: ofKind('cc'),
    bcc: ofKind('bcc'),
    replyTo: source.document.reply_to ?? [],
    envelopeTo: pending.map((row) => row.address),
    subject: source.subject,
    text: source.document.text,
    html: source.document.html,
    headers: toWireHeaders(source.document.headers ?? {}),
    attachments: attachments.map(({ contentId, ...rest }) =>
      contentId === null ? rest : { ...rest, contentId },
    ),
    tags: source.tags,
    metadata: source.metadata ?? {},
  }
}
