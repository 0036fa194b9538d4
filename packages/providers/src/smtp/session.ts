import SMTPConnection from 'nodemailer/lib/smtp-connection'
import type { Io } from '../provider.ts'
import { Body } from './body.ts'
import {
  loginObstacle,
  type SmtpError,
  toConnectFailure,
  toOpenFailure,
  toRecipientReply,
  toTransferFailure,
} from './failure.ts'
import type { Transfer } from './outcome.ts'
import { type SmtpCredentials, type SmtpSettings, smtpTarget, tlsOf } from './settings.ts'

const limits = {
  connectionTimeout: 10_000,
  greetingTimeout: 10_000,
  socketTimeout: 60_000,
  socketCloseTimeout: 0,
  maxResponseSize: 64 * 1024,
}

const messagesMax = 1000
const goodbyeMs = 1000

export type Envelope = { from: string; to: string[]; size: number; use8BitMime: boolean }

/** One connection to a server, logged in and ready for a message. */
export type Session = {
  transfer(envelope: Envelope, mime: Buffer, signal: AbortSignal): Promise<Transfer>
  /** Makes it ready for the next message; false when it has had its day. */
  renew(): Promise<boolean>
  onEnd(listener: () => void): void
  close(): Promise<void>
}

/** Connects, encrypts and logs in; what goes wrong is told as the transfer that it prevents. */
export async function openSession(
  settings: SmtpSettings,
  credentials: SmtpCredentials,
  io: Io,
): Promise<{ session: Session } | { failure: Transfer }> {
  let connection: SMTPConnection
  try {
    const socket = await io.connect(smtpTarget(settings))
    connection = new SMTPConnection({ ...optionsOf(settings), connection: socket })
  } catch (error) {
    return { failure: toConnectFailure(error) }
  }
  const error = await new Promise<SmtpError | null>((resolve) => {
    const done = (failed?: SmtpError | null) => {
      io.signal.removeEventListener('abort', abort)
      resolve(failed ?? null)
    }
    const abort = () => done(new Error('given up before the server was ready'))
    io.signal.addEventListener('abort', abort, { once: true })
    // Stays for good: an error on an idle connection would end the process otherwise.
    connection.on('error', done)
    connection.connect((failed) => (failed ? done(failed) : logIn(connection, settings, credentials, done)))
  })
  if (!error) return { session: createSession(connection) }
  connection.close()
  return { failure: toOpenFailure(error) }
}

function logIn(
  connection: SMTPConnection,
  settings: SmtpSettings,
  { username, password }: SmtpCredentials,
  done: (error: SmtpError | null) => void,
): void {
  const obstacle = loginObstacle(connection, settings.allow_insecure === true)
  if (!username || !password) done(null)
  else if (obstacle) done(obstacle)
  else connection.login({ credentials: { user: username.reveal(), pass: password.reveal() } }, done)
}

function createSession(connection: SMTPConnection): Session {
  let messages = 0
  let needsReset = false
  let inFlight: { body: Body; settle(transfer: Transfer): void } | undefined

  const isUsable = () => !connection.destroyed && messages < messagesMax
  // Closing tells nothing to the message in flight. Where there is a better reason, it comes in this same turn.
  connection.once('end', () =>
    setImmediate(() =>
      inFlight?.settle({ kind: 'lost', complete: inFlight.body.mayBeComplete, reason: 'connection closed' }),
    ),
  )

  return {
    transfer: (envelope, mime, signal) =>
      new Promise((resolve) => {
        const body = new Body(mime)
        const settle = (transfer: Transfer) => {
          inFlight = undefined
          signal.removeEventListener('abort', abort)
          resolve(transfer)
        }
        const abort = () => {
          settle({ kind: 'lost', complete: body.mayBeComplete, reason: 'no reply in time' })
          connection.close()
        }
        if (signal.aborted) return abort()
        signal.addEventListener('abort', abort, { once: true })
        inFlight = { body, settle }
        messages++
        connection.send(envelope, body, (error, info) => {
          needsReset = error !== null
          settle(error ? toTransferFailure(error, body.mayBeComplete) : toAccepted(info))
        })
      }),
    renew: async () => {
      if (!needsReset || !isUsable()) return isUsable()
      needsReset = false
      return new Promise((resolve) => {
        connection.once('end', () => resolve(false))
        connection.reset((error) => resolve(error === null && isUsable()))
      })
    },
    onEnd: (listener) => connection.once('end', listener),
    close: () => closeConnection(connection),
  }
}

function toAccepted(info: SMTPConnection.SentMessageInfo): Transfer {
  return {
    kind: 'accepted',
    reply: info.response,
    refused: (info.rejectedErrors ?? []).map(toRecipientReply),
  }
}

/** Says goodbye, but does not wait long for the answer. */
function closeConnection(connection: SMTPConnection): Promise<void> {
  if (connection.destroyed) return Promise.resolve()
  return new Promise((resolve) => {
    const timer = setTimeout(() => connection.close(), goodbyeMs)
    connection.once('end', () => {
      clearTimeout(timer)
      resolve()
    })
    connection.quit()
  })
}

function optionsOf(settings: SmtpSettings): SMTPConnection.Options {
  const tls = tlsOf(settings)
  return {
    ...limits,
    host: settings.host,
    port: settings.port,
    name: settings.helo_name,
    secure: tls === 'implicit',
    requireTLS: tls === 'starttls',
    opportunisticTLS: tls === 'opportunistic',
    ignoreTLS: tls === 'none',
    tls: { minVersion: 'TLSv1.2', rejectUnauthorized: settings.allow_insecure !== true },
  }
}
