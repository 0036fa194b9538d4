import { setTimeout as sleep } from 'node:timers/promises'
import type { LoginResult, SmtpLogin, SmtpLogins } from '@lettergate/core/smtp-credentials'
import type { SMTPServerAuthentication } from 'smtp-server'
import { type Caps, holderOf } from '../session/caps.ts'
import { type Reply, reply } from '../session/reply.ts'
import type { SessionHandlers } from '../session/session-options.ts'
import type { WrongLogins } from './wrong-logins.ts'

/** Who sends in a session. `leave` frees its place among the sessions of its tenant. */
export type SmtpUser = { login: SmtpLogin; leave(): void }

const refusals: Record<Exclude<LoginResult['kind'], 'ok'>, Reply> = {
  wrong: reply(535, '5.7.8', 'The user name or the password is wrong, or the login was revoked'),
  'wrong-network': reply(535, '5.7.8', 'This login does not work from your address'),
  'no-scope': reply(535, '5.7.8', 'This login may not send mail: the key has no scope messages:send'),
  suspended: reply(
    454,
    '4.7.0',
    'The operator has suspended this tenant. Mail can be sent again once it is resumed',
  ),
}
const away = reply(454, '4.7.0', 'The login could not be checked. Try again later')
const tooMany = reply(421, '4.7.0', 'Too many sessions of this tenant. Try again later')
const noAuthzid = reply(
  535,
  '5.7.8',
  'A login cannot act for another user: leave the authorization identity empty',
)
const keyNeedsPlain = reply(
  535,
  '5.7.8',
  'CRAM-MD5 works with the user name of an SMTP credential; API keys need PLAIN or LOGIN',
)

function check(
  logins: SmtpLogins,
  { method, username = '', password, validatePassword }: SMTPServerAuthentication,
  from: { address: string; isGuesser: boolean },
): Promise<LoginResult> {
  return method === 'CRAM-MD5'
    ? logins.byProof(username, validatePassword, from.address)
    : logins.byPassword(username, password ?? '', from)
}

/** Checks logins of sessions; wrong ones wait for their answer, so that guesses come slowly. */
export function createAuthenticate(deps: {
  logins: SmtpLogins
  wrongLogins: WrongLogins
  /** Sessions by tenant. */
  sessions: Caps
  onLogin: (result: LoginResult['kind'] | 'unavailable', method: string) => void
  onUsed: (login: SmtpLogin) => void
  onError: (error: unknown) => void
}): NonNullable<SessionHandlers<SmtpUser>['authenticate']> {
  return async (attempt, { remoteAddress }) => {
    const { method, username = '', authzid, authcid } = attempt
    if (authzid && authcid && authzid !== authcid) return noAuthzid
    const holder = holderOf(remoteAddress)
    const from = { address: remoteAddress, isGuesser: deps.wrongLogins.count(holder) >= 5 }
    let result: LoginResult
    try {
      result = await check(deps.logins, attempt, from)
    } catch (error) {
      deps.onError(error)
      deps.onLogin('unavailable', method)
      return away
    }
    deps.onLogin(result.kind, method)
    if (result.kind === 'ok') {
      const leave = deps.sessions.take(result.login.tenantId)
      if (!leave) return tooMany
      deps.onUsed(result.login)
      return { user: { login: result.login, leave } }
    }
    if (result.kind !== 'suspended') await sleep(deps.wrongLogins.note(holder, username))
    return result.kind === 'wrong' && method === 'CRAM-MD5' && !username.startsWith('lgu_')
      ? keyNeedsPlain
      : refusals[result.kind]
  }
}
