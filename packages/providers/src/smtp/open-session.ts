import type SMTPConnection from 'nodemailer/lib/smtp-connection'
import { redact } from '../lib/redact.ts'
import type { Tokens } from '../oauth2/tokens.ts'
import type { Io, ProviderConnection } from '../provider.ts'
import type { SmtpCredentials } from './credentials.ts'
import { loginObstacle } from './failure.ts'
import { authenticateByToken, findLogin, type Login, tokenMethod } from './login.ts'
import { openConnection, type Step } from './open-connection.ts'
import { judgeReply, type Transfer } from './outcome.ts'
import { presets } from './presets.ts'
import { Session } from './session.ts'
import type { Opened } from './session-pool.ts'
import { endpointOf, type SmtpSettings, smtpTarget } from './settings.ts'

export type Account = ProviderConnection<SmtpCredentials, SmtpSettings>

/** Connects, encrypts and logs in; a failure is reported as that of the transfer. */
export async function openSession(
  { id, credentials, settings, credentialsSince }: Account,
  tokens: Tokens,
  io: Io,
): Promise<Opened> {
  const found = await findLogin(credentials, settings, credentialsSince, (grant) => tokens.get(id, grant, io))
  if ('failure' in found) return { failure: { kind: 'misconfigured', ...found.failure } }
  const step = logIn(found.login, settings.allow_insecure === true)
  const opened = await openConnection(smtpTarget(settings), optionsOf(settings), io, step)
  if ('connection' in opened) {
    const messagesMax = settings.preset && presets[settings.preset].messagesMax
    return { session: new Session(opened.connection, opened.greeting, messagesMax) }
  }
  const { failure } = opened
  const token = found.login?.token
  if (!token) return { failure }
  if (isLoginRefused(failure)) tokens.drop(id, token)
  // Core redacts the credentials but does not know the token.
  return { failure: withoutToken(failure, token.reveal()) }
}

/** For any failure: a reply that cannot be read is repeated in the reason of a lost connection. */
function withoutToken(failure: Transfer, token: string): Transfer {
  return 'reply' in failure
    ? { ...failure, reply: redact(failure.reply, [token]) }
    : { ...failure, reason: redact(failure.reason, [token]) }
}

function isLoginRefused(failure: Transfer): boolean {
  return failure.kind === 'refused' && judgeReply('open', failure.reply) === 'provider-credentials-refused'
}

function logIn(login: Login, insecurePermitted: boolean): Step {
  return (connection, done) => {
    if (!login) return done()
    const obstacle = loginObstacle(connection, insecurePermitted)
    if (obstacle) return done(obstacle)
    const { user, pass } = login
    const byToken = { type: 'custom', method: tokenMethod, user, pass } as const
    connection.login(login.token ? byToken : { credentials: { user, pass } }, done)
  }
}

function optionsOf(settings: SmtpSettings): SMTPConnection.Options {
  const { tls } = endpointOf(settings)
  return {
    name: settings.helo_name,
    secure: tls === 'implicit',
    requireTLS: tls === 'starttls',
    opportunisticTLS: tls === 'opportunistic',
    ignoreTLS: tls === 'none',
    tls: { minVersion: 'TLSv1.2', rejectUnauthorized: settings.allow_insecure !== true },
    customAuth: { [tokenMethod]: authenticateByToken },
  }
}
