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

/** The reports about delivery that a client asked mail servers for (DSN, RFC 3461). */
export type DsnRequest = {
  ret?: 'FULL' | 'HDRS' | undefined
  /** Printable ASCII, of 100 characters at most. */
  envid?: string | undefined
  /** By the address of a recipient. */
  recipients: Record<string, { notify?: DsnCondition[] | undefined; orcpt?: string | undefined }>
}
/** NEVER stands alone. */
export type DsnCondition = 'NEVER' | 'SUCCESS' | 'FAILURE' | 'DELAY'

/** A mail as its client wrote it, and what was read of it. */
export type NewMime = {
  /** What goes out, but for a Date and a Message-ID that are missing. */
  mail: Buffer
  messageId: string | null
  hasDate: boolean
  /** Whether it has bytes beyond ASCII: anywhere, or in its header fields. */
  isAscii: boolean
  isHeadAscii: boolean
  /** Lower-case names of its X- fields: to a provider, some are orders. */
  orders: string[]
  /** Whether To or Cc names anybody who is not among the recipients. */
  namesOthers: boolean
  /** Bytes of text and HTML, at most. Undefined: there is none. */
  textBytes?: number | undefined
  htmlBytes?: number | undefined
  attachments: {
    filename: string
    contentType: string
    disposition: 'attachment' | 'inline'
    bytes: number
  }[]
  /** What of it providers that take no MIME cannot say; null: they can say all of it. */
  lost: string | null
}

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
  /** The URL that gets the events of this message. */
  callbackUrl?: string | undefined
  /** Replies go to an address of the gateway, which names the message. */
  replyTracking?: true | undefined
  /** Where bounces go, for providers that speak SMTP; '' is nowhere. Undefined: to the author. */
  returnPath?: string | undefined
  /** For providers that speak SMTP. Undefined: the client asked for nothing. */
  dsn?: DsnRequest | undefined
  /** Makes it of the id that the message gets; then it stands in the place of `returnPath`. */
  makeReturnPath?: ((messageId: string) => string) | undefined
  /** Set where the client gave the whole mail: `text`, `html` and `attachments` are empty then. */
  mime?: NewMime | undefined
}
