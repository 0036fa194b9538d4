import type { Socket } from 'node:net'
import type { z } from 'zod'

/** An address as it is written into MIME; `address` is already validated ASCII dot-atom@domain. */
export type Mailbox = { address: string; name?: string | undefined }

export type OutboundAttachment = {
  filename: string
  contentType: string
  disposition: 'attachment' | 'inline'
  contentId?: string | undefined
  content: Buffer
}

/** One message as core hands it to a provider. Everything in it was validated at accept. */
export type OutboundMessage = {
  /** Public id, `msg_…`: goes out as `X-LG-Id` and as the local part of Message-ID. */
  id: string
  /** Same for every attempt at the same recipients: a provider with idempotency keys gets this one. */
  attemptKey: string
  /** Database time of acceptance: the Date header, so that every attempt carries the same bytes. */
  createdAt: Date
  from: Mailbox
  to: Mailbox[]
  cc: Mailbox[]
  bcc: Mailbox[]
  replyTo: Mailbox[]
  /** Addresses that this attempt must reach: a subset of to, cc and bcc once some were handed over before. */
  envelopeTo: string[]
  subject: string
  text?: string | undefined
  html?: string | undefined
  headers: Record<string, string>
  attachments: OutboundAttachment[]
  tags: string[]
  metadata: Record<string, string>
}

/** What became of one recipient that an accepting provider refused by name (SMTP answers each RCPT). */
export type RecipientRefusal = { address: string; kind: 'rejected' | 'deferred'; reason: string }

export type SendOutcome =
  | { kind: 'accepted'; providerMessageId: string; refused?: RecipientRefusal[] }
  /** No retry of the same thing; 'account' is the connection's fault, so another connection may be used. */
  | { kind: 'rejected'; scope: 'message' | 'account'; reason: string }
  /** Surely not accepted: safe to retry or to fail over, but for those whom `refused` names as rejected. */
  | { kind: 'deferred'; retryAfterMs?: number; reason: string; refused?: RecipientRefusal[] }
  /** Maybe accepted: never sent again blindly. */
  | { kind: 'unknown'; reason: string }

export type HttpRequest = {
  method: 'GET' | 'POST'
  url: string
  headers: Record<string, string>
  body?: string | Buffer
}
export type HttpResponse = {
  status: number
  headers: Record<string, string | string[] | undefined>
  body: Buffer
}

/**
 * A connection or an exchange that came to nothing. Known by its shape, so that whoever makes the sockets needs no import from here:
 * `bodySent` says whether the provider may have acted on the request, `refused` that our own egress policy said no.
 */
export type NetworkFailure = Error & { reason: string; bodySent: boolean; refused: boolean }

/**
 * A host that some settings would reach. The scheme decides what the egress policy allows: `http` and `smtp-plain`
 * (no encryption) only reach hosts that the operator listed.
 */
export type Target = { host: string; port: number; scheme: 'https' | 'http' | 'smtp' | 'smtp-plain' }

/** The only way out: every socket behind these passes the egress guard. Given by the caller, so tests give their own. */
export type Io = {
  /**
   * One HTTP exchange: no redirects, capped answer, total deadline.
   * Throws an error shaped as `NetworkFailure`.
   */
  request(request: HttpRequest): Promise<HttpResponse>
  /** A connected TCP socket to a checked, pinned address; `signal` ends the connecting, never the socket. */
  connect(target: Target): Promise<Socket>
  now(): Date
  /** The total deadline of this call. */
  signal: AbortSignal
}

/** What a provider can say exactly; core refuses at accept what it cannot. */
export type Capabilities = {
  recipientsMax: number
  /** Of the whole encoded message. */
  messageBytesMax: number
  /** How long a repeat with the same attemptKey is recognised; 0: never. */
  idempotencyWindowMs: number
  /** Whether an accepting answer can still refuse single recipients by name. */
  answersEachRecipient: boolean
}

export type ProviderConnection<C, S> = { id: string; credentials: C; settings: S }

export interface Provider<C = unknown, S = unknown> {
  /** Folder name, URL part and database value. */
  id: string
  /** One line for people: what this provider is. */
  description: string
  credentials: z.ZodType<C>
  settings: z.ZodType<S>
  capabilities: Capabilities
  /** Hosts and ports that these settings would reach: checked by the egress policy when a connection is saved. */
  targets(settings: S): Target[]
  send(message: OutboundMessage, connection: ProviderConnection<C, S>, io: Io): Promise<SendOutcome>
  /** Ends pooled sockets; called once, when the worker stops. */
  close?(): Promise<void>
}
