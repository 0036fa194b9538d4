import type { DsnRequest, NewMessage } from '@lettergate/contracts/messages/send-request'
import type { Problem } from '@lettergate/contracts/problems/problems'
import type { QuotaState } from '../usage/index.ts'
import type { AcceptedMessage, Idempotency } from './accept.ts'

/** A mail that its client wrote, to be sent as it came: but for Bcc and X-LG- fields, and with Date and Message-ID if they are missing. */
export type MimeMessage = {
  kind: 'mime'
  mime: Buffer
  /** Whom it goes to, and where bounces go ('' is nowhere), whatever its header fields say. */
  envelope: { from: string; recipients: string[]; dsn?: DsnRequest | undefined }
  /** Checked by the way in. */
  options: Pick<NewMessage, 'tags' | 'metadata' | 'sendAt' | 'stream' | 'connectionId' | 'makeReturnPath'>
}

/** One request to send, whichever way it came in. */
export type Submission = {
  tenant: { id: string; mode: 'live' | 'test' }
  /** At least one. A problem stands for a message that could not be read. */
  messages: (NewMessage | MimeMessage | Problem)[]
  /** True: one refused message refuses all of them. False: each is judged by itself, and the good ones are stored together. */
  atomic: boolean
  /** Domains that From may have, by the key or the login that submits; absent: any. */
  fromDomains?: readonly string[] | undefined
  idempotency: Omit<Idempotency, 'extra'> | null
  /** When the client is answered at the latest, as a time of `performance.now()`; later, nothing new is stored. */
  until?: number
}

export type SubmitOutcome =
  /**
   * Stored by this request, or by an earlier one with the same key. `results` has one entry for each message, in order: a problem
   * where the message was refused. `quota` is null after a replay.
   */
  | {
      kind: 'accepted' | 'replayed'
      results: (AcceptedMessage | Problem)[]
      createdAt: Date
      quota: QuotaState | null
    }
  /** Nothing was stored: each message was refused by itself. */
  | { kind: 'none-accepted'; problems: Problem[] }
  /** Nothing was stored: the submission as a whole was refused. */
  | { kind: 'refused'; problem: Problem; quota: QuotaState | null }
  /** The gateway cannot tell or cannot do it now: the client tries again later, with the same key. */
  | { kind: 'unavailable'; problem: Problem }

export type Submit = (submission: Submission) => Promise<SubmitOutcome>
