export type StoredMailbox = { address: string; name?: string | undefined }

/** A copy of the message's rows as accepted: a first attempt needs no other table. */
export type Envelope = {
  from: StoredMailbox
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
  recipients: { kind: 'to' | 'cc' | 'bcc'; address: string; name: string | null }[]
}

/** The content of `message_content.document`. */
export type ContentDocument = {
  /** Missing in messages that were accepted before migration 0002. */
  envelope?: Envelope
  text?: string
  html?: string
  headers?: Record<string, string>
  reply_to?: StoredMailbox[]
}
