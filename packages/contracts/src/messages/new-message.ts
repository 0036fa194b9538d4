/** An address after normalising: ASCII, a local part in quotes only where it needs them, a lower-case domain. */
export type Mailbox = { address: string; name?: string | undefined }

export type NewAttachment = {
  filename: string
  contentType: string
  disposition: 'attachment' | 'inline'
  contentId?: string | undefined
  content: Buffer
}

export type Mode = 'live' | 'test'
export type Stream = 'transactional' | 'bulk'
export type RecipientKind = 'to' | 'cc' | 'bcc'

/** One message as the API accepts it: checked, normalised, each recipient once. */
export type NewMessage = {
  from: Mailbox
  to: Mailbox[]
  cc: Mailbox[]
  bcc: Mailbox[]
  replyTo: Mailbox[]
  /** Empty: there is none. */
  subject: string
  text?: string | undefined
  html?: string | undefined
  headers: Record<string, string>
  attachments: NewAttachment[]
  tags: string[]
  metadata: Record<string, string>
  /** Undefined: now. */
  sendAt?: Date | undefined
  stream: Stream
  /** Uuid of the connection to use. */
  connectionId?: string | undefined
}
