import type { Socket } from 'node:net'
import type { z } from 'zod'
import type { FailureCode } from './lib/failures.ts'
import type { ProviderEventKind, Reading } from './lib/provider-event.ts'
import type { Secret } from './lib/secret.ts'

/** An address as it is written into MIME; `address` is already validated ASCII, its local part in quotes where it needs them. */
export type Mailbox = { address: string; name?: string | undefined }

export type OutboundAttachment = {
  filename: string
  contentType: string
  disposition: 'attachment' | 'inline'
  contentId?: string | undefined
  content: Buffer
}

/** A mail that its client wrote, to be sent unchanged. */
export type RawMail = {
  bytes: Buffer
  /** Of the mail, in angle brackets. */
  messageId: string
  /** Whether it has bytes beyond ASCII: anywhere, or in its header fields (RFC 6532). */
  isAscii: boolean
  isHeadAscii: boolean
}

/** A key that signs mail of a domain and of those below it (DKIM). */
export type SigningKey = { domain: string; selector: string; private_key: Secret }

/** The reports about delivery that a client asked mail servers for (DSN, RFC 3461); `recipients` by address. */
export type DsnRequest = {
  ret?: 'FULL' | 'HDRS' | undefined
  envid?: string | undefined
  recipients: Readonly<
    Record<string, { notify?: readonly DsnCondition[] | undefined; orcpt?: string | undefined }>
  >
}
/** NEVER stands alone. */
export type DsnCondition = 'NEVER' | 'SUCCESS' | 'FAILURE' | 'DELAY'

/** One message as core hands it to a provider. Everything in it was validated at accept. */
export type OutboundMessage = {
  /** Public id, `msg_…`: sent as `X-LG-Id` and as the local part of Message-ID. */
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
  /** Recipients of this attempt: a subset of to, cc and bcc once some were sent before. */
  envelopeTo: string[]
  /** Where bounces go, for those who speak SMTP; '' is nowhere. Absent: to the author. */
  returnPath?: string | undefined
  /**
   * By recipient, the address of this gateway that bounces go to, where the provider is the gateway itself; stronger than `returnPath`. A
   * transaction with several recipients has that of its first.
   */
  returnPaths?: Readonly<Record<string, string>> | undefined
  /** Said where the next server offers DSN. Absent: the client asked for nothing. */
  dsn?: DsnRequest | undefined
  /** Keys of the sender's own domain. */
  signingKeys?: readonly SigningKey[] | undefined
  /** The value of Feedback-ID, by which large receivers count complaints. */
  feedbackId?: string | undefined
  /** The whole mail; only for providers that take one, and then text, html, headers and attachments are empty. */
  raw?: RawMail | undefined
  subject: string
  text?: string | undefined
  html?: string | undefined
  headers: Record<string, string>
  attachments: OutboundAttachment[]
  tags: string[]
  metadata: Record<string, string>
}

/** The content of a mail, decoded for providers that take no MIME. */
export type MimeContent = Pick<OutboundMessage, 'text' | 'html' | 'attachments'>

/** Outcome of one recipient that a provider refused by name (SMTP answers each RCPT). */
export type RecipientRefusal = {
  address: string
  kind: 'rejected' | 'deferred'
  code: FailureCode
  reason: string
  /** Of a deferred one; 0: this call did not try it (it belongs to another host), so it may follow immediately. */
  retryAfterMs?: number
}

/** Outcome of one attempt; `code` names the class of a failure (failures.ts), `reason` has the provider's own words. */
export type SendOutcome =
  /** `pauseMs`: the provider accepts no more messages for this long (its rate is used up). */
  | { kind: 'accepted'; providerMessageId: string; refused?: RecipientRefusal[]; pauseMs?: number }
  /**
   * No retry of the same thing; 'account' is the connection's fault, so another connection may be used. `refused`: the recipients
   * because of which the provider refused the whole call, as far as it names them; each has its own reason.
   */
  | {
      kind: 'rejected'
      scope: 'message' | 'account'
      code: FailureCode
      reason: string
      refused?: RecipientRefusal[]
    }
  /** Certainly not accepted: safe to retry or to fail over, except for recipients that `refused` names as rejected. */
  | {
      kind: 'deferred'
      code: FailureCode
      retryAfterMs?: number
      reason: string
      refused?: RecipientRefusal[]
    }
  /** Maybe accepted: never sent again blindly. */
  | { kind: 'unknown'; code: FailureCode; reason: string }

export type HttpRequest = {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  url: string
  headers: Record<string, string>
  body?: string | Buffer
  /** Given up after this time; absent: at the deadline of the call. */
  timeoutMs?: number
  /** A longer answer is none; absent: 1 MB. */
  answerBytesMax?: number
}
export type HttpResponse = {
  status: number
  headers: Record<string, string | string[] | undefined>
  body: Buffer
}

/**
 * A connection or an exchange that failed. It is recognised by its shape, so that the code that makes the sockets needs no import from here:
 * `bodySent` says whether the provider may have acted on the request, `refused` that our own egress policy refused it.
 */
export type NetworkFailure = Error & { reason: string; bodySent: boolean; refused: boolean }

/**
 * A host that some settings would reach. The scheme decides what the egress policy allows: `http` and `smtp-plain` only reach hosts
 * that the operator listed. `smtp-plain` is SMTP by settings that need no encryption or believe any certificate; `smtp` may still
 * end up unencrypted where its settings encrypt only if they can.
 */
export type Target = { host: string; port: number; scheme: 'https' | 'http' | 'smtp' | 'smtp-plain' }

/** The egress: every socket behind these passes the guard. Passed by the caller, so that tests can replace it. */
export type Io = {
  /**
   * One HTTP exchange: no redirects, capped answer, total deadline.
   * Throws an error shaped as `NetworkFailure`.
   */
  request(request: HttpRequest): Promise<HttpResponse>
  /** A connected TCP socket to a checked, pinned address; `signal` ends the connecting, never the socket. */
  connect(target: Target): Promise<Socket>
  now(): Date
  /** Number of this attempt to send a message, from 1: for the provider that only plays, and never for what it sends. */
  attempt?: number
  /** The total deadline of this call. */
  signal: AbortSignal
  /** Aborts sooner: a step that has not begun by then would not finish, and is better started again. */
  beginSignal: AbortSignal
  /** Aborts later: the deadline of an answer to what is out as a whole, for those whose servers take their time then (SMTP). */
  answerSignal: AbortSignal
  /** How long it is until then; for a call of several requests, of which the last must not be cut off. */
  msLeft(): number
  /**
   * The provider replaced `old`, a secret of this connection, by `fresh`: the caller stores it. Returns immediately and never
   * throws, so that the call does not depend on it.
   */
  replaceSecret(old: Secret, fresh: Secret): void
}

/** Forms that a message may have beside text and html. */
export type Alternative = 'calendar' | 'amp'

/** `envelope`: the mail goes to the recipients of the call; `headers`: only to those in To, Cc and Bcc. */
export type RawMime = {
  recipients: 'envelope' | 'headers'
  /** Whether bytes beyond ASCII arrive as they are. */
  eightBit: boolean
  /** Absent: as of any message. */
  bytesMax?: number
}

/** The features that a provider can express exactly; accept refuses the others, and docs/providers/matrix.md is generated from it. */
export type Capabilities = {
  /** Of one call. */
  recipientsMax: number
  /** Whether each call needs an address in To; copies without one are sent one per call, each in To. */
  needsTo?: boolean
  /** Whether it takes no message with an empty subject. */
  needsSubject?: boolean
  /** Whether it takes no message without text and html. */
  needsBody?: boolean
  /** Forms of a message beside text and html that it can carry; absent: all. */
  alternatives?: readonly Alternative[]
  /**
   * Local parts that it takes, of those that need quotes: none (`plain`), those that need them for their dots alone (`dots`), such as
   * `"a..b"`; absent: all.
   */
  localParts?: 'plain' | 'dots'
  /** Whether addresses that differ only in case are one mailbox for it, so that one of them is sent. */
  foldsAddressCase?: boolean
  /** How it takes a mail as its client wrote it; absent: it takes fields alone. */
  rawMime?: RawMime
  /**
   * Beginnings of the lower-case names of header fields that are orders to it. Clients may not set them
   * (`packages/contracts/src/messages/header-rules.ts`, held by a test), and a mail that has one is not sent unchanged.
   */
  orders: readonly string[]
  /** Of the whole encoded message. */
  messageBytesMax: number
  /** Of text and html together, where less of them fits than of files; absent: as of the whole. */
  textBytesMax?: number
  /** How long a repeat with the same attemptKey is recognised; 0: never. */
  idempotencyWindowMs: number
  /** Whether an accepting answer can still refuse single recipients by name. */
  answersEachRecipient: boolean
  /** Addresses in Reply-To. */
  replyToMax: number
  /** Lower-case names of headers that it cannot carry as given; absent: it carries all that the contract permits. */
  refusesHeader?: RegExp
  /** Values of headers that would not arrive as they are; absent: all arrive. */
  garblesHeader?: RegExp
  /** Whether html may show an attachment by its content id. */
  inlineImages: boolean
  /** Lower-case file names that it takes; absent: all. */
  takesFilename?: RegExp
  /** Content types of attachments that it takes; absent: all. */
  takesContentType?: RegExp
  /** Tags in the provider's own field; further ones are folded into other data that comes back with events, or an X- header. */
  tagsMax: number
  /** Whether metadata comes back with its events. */
  metadata: boolean
  /** Whether `check` reports the limits of the account, so that it is called every few minutes. */
  tellsLimits: boolean
}

/**
 * The limits of an account, as its provider reports them; a missing one is no limit. A provider's day may be the last 24 hours, and
 * other software than ours may have used a part of it.
 */
export type AccountLimits = {
  perSecond?: number | undefined
  perDay?: number | undefined
  usedToday?: number | undefined
}

/** A fault of an account; `advice`: what to do, in whole sentences. */
export type AccountProblem = { code: FailureCode; reason: string; advice: string[] }

/** A provider's report on the account of a connection, without sending a message. */
export type AccountReport = {
  /** Null when the credentials are good and the account may send. */
  problem: AccountProblem | null
  /** True while the account reaches verified addresses only. */
  sandbox?: boolean
  limits?: AccountLimits
  /** Addresses and domains that are allowed in From, as far as the provider reports them; 100 at most. */
  identities?: string[]
  /** Further notes, in whole sentences. */
  notes: string[]
}

export type ProviderConnection<C, S> = {
  id: string
  credentials: C
  settings: S
  /**
   * Changes when a person stores other credentials, but not by `Io.replaceSecret`: what was logged in with before stays good then.
   * Absent: only equal credentials are the same.
   */
  credentialsSince?: string | undefined
}

/** One POST to the URL of a connection's events, as it came. */
export type Hook = {
  /** As it was registered at the provider, since some sign it: from our own settings, never from a Host field. */
  url: string
  /** Names in lower case. */
  headers: Record<string, string | string[] | undefined>
  body: Buffer
}

export type HookVerdict =
  | { kind: 'verified' }
  /** The provider tests whether the URL answers: the answer is 200, and nothing is recorded. */
  | { kind: 'probe' }
  /** A subscription to be confirmed by a GET of `url`, which is made of checked parts and never taken from the body. */
  | { kind: 'confirm'; url: string }
  /** Not from the provider, or too old. `reason` is for the log of the tenant. */
  | { kind: 'refused'; reason: string }
  /** Cannot be decided now: to be answered with 503, so that the provider repeats it. */
  | { kind: 'undecided'; reason: string }

/** Where a provider is to send its events. */
export type HookTarget<E> = {
  url: string
  /** Of this connection's events alone, fresh: for providers that sign nothing. */
  password: Secret
  /** Stores what verifies the events; called before the provider may send the first one. */
  keepSecrets(secrets: E): Promise<void>
}

export type Registered<R> =
  /** `notes`: what else to know, in whole sentences. */
  { kind: 'registered'; registration: R; notes: string[] } | { kind: 'failed'; problem: AccountProblem }

/** How events of a provider arrive. `E` is the data that verifies them, `R` the data of a registration that is kept to undo it. */
export interface EventSource<C = unknown, S = unknown, E = unknown, R = unknown> {
  /** Every kind of event that it reports. */
  kinds: readonly ProviderEventKind[]
  /** `password`: the provider signs nothing, and sends a secret along. `none`: they come from this gateway itself, and nobody sends any. */
  proof: 'signature' | 'password' | 'none'
  /** Longest body that it sends; a longer one is refused. */
  bodyBytesMax: number
  secrets: z.ZodType<E>
  registration: z.ZodType<R>
  /** Checks the proof before the body is believed. Of several secrets (old and new, during a rotation) any may fit. */
  verify(
    hook: Hook,
    secrets: readonly E[],
    io: Pick<Io, 'request' | 'now'>,
  ): HookVerdict | Promise<HookVerdict>
  /** The events in a verified body, some at a time: none of these steps holds the thread for long. */
  parse(hook: Hook, receivedAt: Date): Iterable<Reading>
  /** Steps for a person at the provider instead of `register`, in whole sentences. */
  steps(target: { url: string; password: Secret }): string[]
  /** Makes the provider send its events to the URL. Repeated, it takes up what an earlier call left behind. */
  register(connection: ProviderConnection<C, S>, target: HookTarget<E>, io: Io): Promise<Registered<R>>
  /** Undoes it; null when nothing is left of it at the provider. */
  unregister(connection: ProviderConnection<C, S>, registration: R, io: Io): Promise<AccountProblem | null>
  /** Removes one of before a rotation, and leaves what the present one needs; absent: as `unregister`. */
  retire?(connection: ProviderConnection<C, S>, registration: R, io: Io): Promise<AccountProblem | null>
}

export interface Provider<C = unknown, S = unknown> {
  /** Folder name, URL part and database value. */
  id: string
  /** One line for people: what this provider is. */
  description: string
  credentials: z.ZodType<C>
  settings: z.ZodType<S>
  capabilities: Capabilities
  /** The maximum of concurrent calls by these settings, over all workers; absent: as many as the account allows. */
  callsMax?(settings: S): number
  /** Closes idle sockets beyond this number, so that other processes can use them. */
  rest?(connection: ProviderConnection<C, S>, sockets: number): Promise<void>
  /**
   * Hosts and ports that these settings would reach: checked by the egress policy when a connection is saved. A setting that names one
   * is a URL, or `host` beside `port`, so that a fault is reported with its pointer.
   */
  targets(settings: S): Target[]
  /** Its credentials are never sent, to any target. */
  keysOnlySign?: true
  send(message: OutboundMessage, connection: ProviderConnection<C, S>, io: Io): Promise<SendOutcome>
  /** Authenticates, and asks what the account may do; never sends. */
  check(connection: ProviderConnection<C, S>, io: Io): Promise<AccountReport>
  /** Events that it sends to a URL of ours; absent: none. */
  events?: EventSource<C, S>
  /** Mail leaves from addresses of this gateway: it needs the keys of the sender's domain, and bounces come back to the gateway. */
  sendsAsGateway?: true
  /** Bounces come back as mail, which `parseReport` reads. */
  bouncesByMail?: true
  /** Ends pooled sockets; called once, when the worker stops. */
  close?(): Promise<void>
}
