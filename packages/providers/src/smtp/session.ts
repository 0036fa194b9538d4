import type SMTPConnection from 'nodemailer/lib/smtp-connection'
import type { Io, OutboundMessage } from '../provider.ts'
import { Body } from './body.ts'
import { dsnParameters } from './dsn.ts'
import { addParameters, type Extension, lists, type Parameters } from './extensions.ts'
import { type SmtpError, toRecipientReply, toTransferFailure } from './failure.ts'
import type { Transfer } from './outcome.ts'
import { cutReply } from './reply.ts'

const messagesMaxDefault = 1000
const goodbyeMs = 1000

export type Envelope = {
  from: string
  to: string[]
  size: number
  use8BitMime: boolean
  /** Extensions without which the bytes would not arrive as they are. */
  needs: Extension[]
  /** Said to servers that offer DSN. */
  reports: Parameters
}

/** The envelope of a message that goes to these recipients as these bytes. */
export function toEnvelope(message: OutboundMessage, to: string[], mime: Buffer): Envelope {
  const { from, returnPath = from.address, returnPaths = {}, raw, attachments } = message
  const [first = ''] = to
  const needs: Extension[] = []
  if (raw && !raw.isAscii) needs.push('8BITMIME')
  if (raw && !raw.isHeadAscii) needs.push('SMTPUTF8')
  const hasMessage = attachments.some(({ contentType }) => contentType.startsWith('message/'))
  return {
    from: returnPaths[first] ?? returnPath,
    to,
    size: mime.length,
    use8BitMime: needs.length > 0 || hasMessage,
    needs,
    reports: dsnParameters(message, to),
  }
}

/** One connection to a server, logged in and ready for a message. */
export class Session {
  /** The server's reply to EHLO. */
  readonly greeting: string
  readonly #connection: SMTPConnection
  readonly #messagesMax: number
  #messages = 0
  #needsReset = false
  #inFlight: { body: Body; settle(transfer: Transfer): void } | undefined

  constructor(connection: SMTPConnection, greeting: string, messagesMax = messagesMaxDefault) {
    this.#connection = connection
    this.greeting = greeting
    this.#messagesMax = messagesMax
    // Closing gives no reason to the message in progress. A better reason, if there is one, arrives in the same turn.
    connection.once('end', () => setImmediate(() => this.#lose('connection closed')))
  }

  /**
   * Hands one message over. Once all of it is out, servers may look at it for minutes before they answer
   * (https://www.rfc-editor.org/rfc/rfc5321#section-4.5.3.2.6), so that the answer has a deadline of its own.
   */
  transfer(
    envelope: Envelope,
    mime: Buffer,
    { signal, answerSignal }: Pick<Io, 'signal' | 'answerSignal'>,
  ): Promise<Transfer> {
    const missing = envelope.needs.find((extension) => !lists(this.#connection, extension))
    if (missing !== undefined) {
      const reason = `the server does not list ${missing}, without which this mail would not arrive as it is`
      return Promise.resolve({ kind: 'misconfigured', code: 'provider-cannot-express', reason })
    }
    return new Promise((resolve) => {
      const body = new Body(mime)
      const settle = (transfer: Transfer) => {
        this.#inFlight = undefined
        signal.removeEventListener('abort', late)
        answerSignal.removeEventListener('abort', abort)
        resolve(transfer)
      }
      const abort = () => {
        this.#lose('no reply in time')
        this.#connection.close()
      }
      const late = () => {
        if (!body.mayBeComplete || answerSignal.aborted) return abort()
        answerSignal.addEventListener('abort', abort, { once: true })
      }
      this.#inFlight = { body, settle }
      if (signal.aborted) return abort()
      signal.addEventListener('abort', late, { once: true })
      this.#messages++
      this.#addParameters(envelope)
      this.#connection.send(envelope, body, (error, info) => {
        this.#needsReset = error !== null
        // An answer before the end: what is left of the message would be read as commands.
        if (body.wasAsked && !body.isGiven) this.#connection.close()
        settle(error ? toTransferFailure(error, body.mayBeComplete) : toAccepted(info))
      })
    })
  }

  #addParameters({ needs, reports }: Envelope): void {
    const isDsn = lists(this.#connection, 'DSN')
    const utf8 = needs.includes('SMTPUTF8') ? ['SMTPUTF8'] : []
    addParameters(this.#connection, {
      mail: isDsn ? [...utf8, ...reports.mail] : utf8,
      recipients: isDsn ? reports.recipients : [],
    })
  }

  /** Makes it ready for the next message; false when it has had its day. */
  async renew(): Promise<boolean> {
    if (!this.#needsReset || !this.#isUsable()) return this.#isUsable()
    this.#needsReset = false
    const error = await new Promise<SmtpError | null>((resolve) => {
      const closed = () => resolve(new Error('connection closed'))
      this.#connection.once('end', closed)
      this.#connection.reset((failed) => {
        this.#connection.off('end', closed)
        resolve(failed)
      })
    })
    return error === null && this.#isUsable()
  }

  onEnd(listener: () => void): void {
    if (this.#connection.destroyed) listener()
    else this.#connection.once('end', listener)
  }

  /** Sends QUIT, but does not wait long for the answer. */
  close(): Promise<void> {
    if (this.#connection.destroyed) return Promise.resolve()
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#connection.close(), goodbyeMs)
      this.#connection.once('end', () => {
        clearTimeout(timer)
        resolve()
      })
      this.#connection.quit()
    })
  }

  #isUsable(): boolean {
    return !this.#connection.destroyed && this.#messages < this.#messagesMax
  }

  #lose(reason: string): void {
    const { body, settle } = this.#inFlight ?? {}
    if (body) settle?.({ kind: 'lost', complete: body.mayBeComplete, reason })
  }
}

function toAccepted(info: SMTPConnection.SentMessageInfo): Transfer {
  return {
    kind: 'accepted',
    reply: cutReply(info.response),
    refused: (info.rejectedErrors ?? []).map(toRecipientReply),
  }
}
