import type { DsnRequest, Mailbox, RecipientKind } from '@lettergate/contracts/messages/new-message'

/** A recipient as it is stored, without its status. */
export type StoredRecipient = { kind: RecipientKind; address: string; name: string | null }

/** A copy of the message's rows as accepted: a first attempt needs no other table. */
export type Envelope = {
  from: Mailbox
  subject: string
  tags: string[]
  metadata?: Record<string, string>
  connection_id?: string
  /** Absent: transactional. */
  stream?: 'bulk'
  attachment_count: number
  /** The properties of attachments that decide whether a provider can carry them. Absent: no attachments. */
  attachments?: {
    filename: string
    disposition: 'attachment' | 'inline'
    bytes: number
    contentType?: string
  }[]
  /** By position. */
  recipients: StoredRecipient[]
}

/** The facts about a mail that its client wrote; the mail itself is in separate rows. */
export type StoredMime = {
  bytes: number
  message_id: string
  /** Absent: the whole mail is ASCII. */
  beyond_ascii?: 'body' | 'head'
  orders: string[]
  names_others: boolean
  text_bytes?: number
  html_bytes?: number
  lost: string | null
}

/** The content of `message_content.document`. */
export type ContentDocument = {
  /** Missing in messages that were accepted before migration 0002. */
  envelope?: Envelope
  text?: string
  html?: string
  headers?: Record<string, string>
  reply_to?: Mailbox[]
  /** Where bounces go; absent: to the author. */
  return_path?: string
  /** Absent: the client asked for no reports of servers. */
  dsn?: DsnRequest
  mime?: StoredMime
}
