import SMTPConnection from 'nodemailer/lib/smtp-connection'
import type { Io, Target } from '../provider.ts'
import { boundUnread } from './bound-unread.ts'
import { type SmtpError, toConnectFailure, toOpenFailure } from './failure.ts'
import type { Transfer } from './outcome.ts'
import { cutReply } from './reply.ts'

const limits = {
  connectionTimeout: 10_000,
  greetingTimeout: 10_000,
  socketTimeout: 60_000,
  socketCloseTimeout: 0,
  // An answer to EHLO is the longest there is, and seldom has 1 kB.
  maxResponseSize: 8 * 1024,
}

export type Connected = { connection: SMTPConnection; greeting: string } | { failure: Transfer }

/** The steps after the greeting and encryption. */
export type Step = (connection: SMTPConnection, done: (error?: SmtpError | null) => void) => void

/** Connects and encrypts; a failure is reported as that of the transfer. */
export async function openConnection(
  target: Target,
  options: SMTPConnection.Options,
  io: Io,
  step: Step,
): Promise<Connected> {
  let connection: SMTPConnection
  try {
    const socket = await io.connect(target)
    connection = new SMTPConnection({
      ...limits,
      host: target.host,
      port: target.port,
      ...options,
      connection: socket,
    })
    boundUnread(connection)
  } catch (error) {
    return { failure: toConnectFailure(error) }
  }
  let greeting = ''
  const error = await new Promise<SmtpError | null>((resolve) => {
    const done = (failed?: SmtpError | null) => {
      io.signal.removeEventListener('abort', abort)
      resolve(failed ?? null)
    }
    const abort = () => done(new Error('given up before the server was ready'))
    io.signal.addEventListener('abort', abort, { once: true })
    // Stays for good: an error on an idle connection would end the process otherwise.
    connection.on('error', done)
    connection.connect((failed) => {
      greeting = cutReply(connection.lastServerResponse || '')
      if (failed) done(failed)
      else step(connection, done)
    })
  })
  if (!error) return { connection, greeting }
  connection.close()
  return { failure: toOpenFailure(error) }
}
