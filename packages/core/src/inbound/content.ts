import { type MailAuthentication, ReceivedContent } from '@lettergate/contracts/inbound/messages'
import { toPublicId } from '@lettergate/contracts/lib/ids'
import { decodeTransfer } from '@lettergate/providers/lib/transfer-encoding'
import { z } from 'zod'

/** A file of a mail: where its bytes are in the mail, and how they are written. */
const StoredFile = z.object({
  filename: z.string(),
  content_type: z.string(),
  disposition: z.enum(['attachment', 'inline']),
  content_id: z.string().nullable(),
  start: z.number(),
  end: z.number(),
  encoding: z.string(),
  /** After decoding, about. */
  bytes: z.number(),
})
export type StoredFile = z.output<typeof StoredFile>

/** What was read of a mail, as it is stored: files by their place in the mail. */
export const StoredContent = ReceivedContent.omit({ attachments: true, mime_message_id: true }).extend({
  message_id: z.string().nullable(),
  attachments: z.array(StoredFile),
})
export type StoredContent = z.output<typeof StoredContent>

/** What a mail itself says: what is stored but for the judgements on it. */
export type ReceivedMail = Omit<StoredContent, 'authentication' | 'auto'>

/** Results where nothing was checked. */
export const unchecked = (result: string): MailAuthentication => ({
  spf: { result, domain: null },
  dkim: [],
  dmarc: { result, domain: null, policy: null },
  arc: { result },
})

/** A mail of which nothing could be read. */
export const emptyMail = (): ReceivedMail => ({
  subject: '',
  from: [],
  to: [],
  cc: [],
  reply_to: [],
  date: null,
  message_id: null,
  in_reply_to: null,
  references: [],
  headers: [],
  text: null,
  html: null,
  stripped_text: null,
  attachments: [],
})

/** The bytes of a file, out of the mail. */
export const contentOf = (raw: Buffer, { start, end, encoding }: StoredFile): Buffer =>
  decodeTransfer(raw.subarray(start, end), encoding)

const pathOf = (id: string, number: number): string =>
  `/v1/inbound/messages/${toPublicId('inb', id)}/attachments/${number}`

/** What a mail says, in answers and calls. `raw`: the mail, if its files are to be in it. */
export function presentContent(
  id: string,
  { message_id, attachments, ...content }: StoredContent,
  raw: Buffer | null = null,
): ReceivedContent {
  return {
    ...content,
    mime_message_id: message_id,
    attachments: attachments.map((file, number) => {
      const { filename, content_type, disposition, content_id, bytes } = file
      const shown = {
        number,
        filename,
        content_type,
        disposition,
        content_id,
        bytes,
        path: pathOf(id, number),
      }
      return raw ? { ...shown, content: contentOf(raw, file).toString('base64') } : shown
    }),
  }
}
