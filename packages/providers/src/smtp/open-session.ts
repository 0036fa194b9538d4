import SMTPConnection from 'nodemailer/lib/smtp-connection'
import type { Io } from '../provider.ts'
import { loginObstacle, type SmtpError, toConnectFailure, toOpenFailure } from './failure.ts'
import { Session } from './session.ts'
import type { Opened } from './session-pool.ts'
import { type SmtpCredentials, type SmtpSettings, smtpTarget, tlsOf } from './settings.ts'

const limits = {
  connectionTimeout: 10_000,
  greetingTimeout: 10_000,
  socketTimeout: 60_000,
  socketCloseTimeout: 0,
  maxResponseSize: 64 * 1024,
}

/** Connects, encrypts and logs in; what goes wrong is told as the transfer that it prevents. */
export async function openSession(
  settings: SmtpSettings,
  credentials: SmtpCredentials,
  io: Io,
): Promise<Opened> {
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
  if (!error) return { session: new Session(connection) }
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
