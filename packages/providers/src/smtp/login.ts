import type SMTPConnection from 'nodemailer/lib/smtp-connection'
import type { Secret } from '../lib/secret.ts'
import type { Grant, TokenFailure, Tokens } from '../oauth2/tokens.ts'
import type { Oauth2Credentials, SmtpCredentials } from './credentials.ts'
import { type Preset, presets } from './presets.ts'
import { type SmtpSettings, tokenUrlOf } from './settings.ts'

/** Credentials of a login: none, a password or an access token. */
export type Login = { user: string; pass: string; token?: Secret } | null

const scopeMissing = 'oauth2 needs a scope; only the presets gmail and microsoft365 have one'

export type LoginResult = { login: Login } | { failure: TokenFailure }

/** Not `XOAUTH2`, for which nodemailer would fetch tokens itself, around the egress guard. */
export const tokenMethod = 'LG-XOAUTH2'

/** Finds the credentials for the login; requests a token if one is needed. */
export async function findLogin(
  { username, password, oauth2 }: SmtpCredentials,
  settings: SmtpSettings,
  since: string | undefined,
  tokens: (grant: Grant) => ReturnType<Tokens['get']>,
): Promise<LoginResult> {
  if (oauth2 && username) {
    const grant = toGrant(oauth2, username.reveal(), settings, since)
    if (typeof grant === 'string') return { failure: { code: 'provider-settings-wrong', reason: grant } }
    const got = await tokens(grant)
    if ('failure' in got) return got
    return { login: { user: username.reveal(), pass: got.token.reveal(), token: got.token } }
  }
  if (!password) return { login: null }
  const user = username?.reveal() ?? usualUser(settings.preset && presets[settings.preset], password)
  if (user !== undefined) return { login: { user, pass: password.reveal() } }
  const reason = 'a user name is needed beside the password'
  return { failure: { code: 'provider-settings-wrong', reason } }
}

function usualUser(preset: Preset | undefined, password: Secret): string | undefined {
  if (!preset || preset.user === 'address' || preset.user === 'shown') return undefined
  if (preset.user === 'password') return password.reveal()
  return preset.user === 'any' ? 'lettergate' : preset.user.is
}

/** The token request, or the missing part of it. */
function toGrant(
  given: Oauth2Credentials,
  mailbox: string,
  settings: SmtpSettings,
  since: string | undefined,
): Grant | string {
  const endpoint = settings.preset && presets[settings.preset].oauth2
  const tokenUrl = tokenUrlOf(settings).replace('{tenant}', given.tenant ?? 'common')
  const appScope = given.scope ?? endpoint?.appScope
  if (!tokenUrl) return 'oauth2 needs the preset gmail or microsoft365, or token_url'
  const { client_email: clientEmail, private_key: privateKey, client_id: clientId = '' } = given
  if (clientEmail && privateKey) {
    if (!appScope) return scopeMissing
    const scope = appScope
    return { kind: 'service_account', tokenUrl, clientEmail, privateKey, subject: mailbox, scope }
  }
  const { client_secret: clientSecret, refresh_token: refreshToken } = given
  if (refreshToken) {
    const scope = given.scope ?? endpoint?.userScope
    return { kind: 'refresh_token', tokenUrl, clientId, clientSecret, refreshToken, scope, since }
  }
  if (!clientSecret || !appScope) return scopeMissing
  // Applications that act for themselves belong to one tenant.
  if (settings.preset === 'microsoft365' && !settings.token_url && !given.tenant)
    return 'oauth2 without a refresh token needs the tenant'
  return { kind: 'client_credentials', tokenUrl, clientId, clientSecret, scope: appScope }
}

/** Says `AUTH XOAUTH2`: https://developers.google.com/workspace/gmail/imap/xoauth2-protocol#smtp_protocol_exchange */
export async function authenticateByToken(
  context: SMTPConnection.CustomAuthenticationContext,
): Promise<true> {
  const { user, pass } = context.auth.credentials
  const initial = Buffer.from(`user=${user}\x01auth=Bearer ${pass}\x01\x01`).toString('base64')
  const first = await context.sendCommand(`AUTH XOAUTH2 ${initial}`)
  // A refusal comes as a challenge, and only an empty answer to it brings the reply itself.
  const last = first.response.startsWith('334') ? await context.sendCommand('') : first
  if (last.response.startsWith('235')) return true
  throw new Error('Invalid login')
}
