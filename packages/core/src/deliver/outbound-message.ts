import { toPublicId } from '@lettergate/contracts/lib/ids'
import type { Queryable } from '@lettergate/db/pool'
import type { Mailbox, OutboundMessage } from '@lettergate/providers/provider'
import { decodeMime } from '@lettergate/providers/raw-mime/decode-mime'
import { toWireHeaders } from '../lib/index.ts'
import { pendingRecipients } from './select-recipients.ts'
import type { LoadedMessage, LoadedRecipient, SentColumns } from './sql/load-claimed.ts'
import { readAttachments } from './sql/read-attachments.ts'
import { readRaw } from './sql/read-raw.ts'

/** The parts of a message that `toOutbound` reads. */
export type OutboundSource = SentColumns &
  Pick<LoadedMessage, 'tenantId' | 'messageId' | 'createdAt' | 'document' | 'recipients'>

const mailbox = (address: string, name: string | null): Mailbox =>
  name === null ? { address } : { address, name }

type Content = Pick<OutboundMessage, 'text' | 'html' | 'attachments' | 'raw'>

async function readContent(db: Queryable, source: OutboundSource, takesRaw: boolean): Promise<Content> {
  const { document, attachmentCount, tenantId, messageId } = source
  const { text, html, mime } = document
  const message = { tenantId, id: messageId }
  if (mime) {
    const bytes = await readRaw(db, message, mime.bytes)
    if (!takesRaw) {
      const content = await decodeMime(bytes)
      if (!content) throw new Error(`message ${messageId} was accepted as sayable by fields, and is not`)
      return content
    }
    const isAscii = mime.beyond_ascii === undefined
    const isHeadAscii = mime.beyond_ascii !== 'head'
    return { raw: { bytes, messageId: mime.message_id, isAscii, isHeadAscii }, attachments: [] }
  }
  const stored = attachmentCount === 0 ? [] : await readAttachments(db, message)
  const attachments = stored.map(({ contentId, ...rest }) =>
    contentId === null ? rest : { ...rest, contentId },
  )
  return { text, html, attachments }
}

/**
 * The message as a provider gets it: the same for every attempt, except for the recipients that are still to be reached. `takesRaw`:
 * a mail that its client wrote is sent unchanged, and not as fields.
 */
export async function toOutbound(
  db: Queryable,
  source: OutboundSource,
  {
    pending = pendingRecipients(source),
    takesRaw = true,
  }: { pending?: LoadedRecipient[]; takesRaw?: boolean } = {},
): Promise<OutboundMessage> {
  const id = toPublicId('msg', source.messageId)
  const ofKind = (kind: 'to' | 'cc' | 'bcc') =>
    source.recipients.filter((row) => row.kind === kind).map((row) => mailbox(row.address, row.name))
  const content = await readContent(db, source, takesRaw)
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
    ...content,
    headers: content.raw ? {} : toWireHeaders(source.document.headers ?? {}),
    ...(source.document.return_path !== undefined && { returnPath: source.document.return_path }),
    ...(source.document.dsn && { dsn: source.document.dsn }),
    tags: source.tags,
    metadata: source.metadata ?? {},
  }
}
