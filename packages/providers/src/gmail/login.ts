import { urlTarget } from '../lib/http.ts'
import { distinctTargets } from '../lib/targets.ts'
import type { Login } from '../oauth2/io.ts'
import type { Tokens } from '../oauth2/tokens.ts'
import type { Target } from '../provider.ts'
import type { Connection, Settings } from './account.ts'

// The least that may send: https://developers.google.com/workspace/gmail/api/auth/scopes
const scope = 'https://www.googleapis.com/auth/gmail.send'

/** How a connection gets its token; a refresh token has the scopes that were consented to. */
export function toLogin(
  { id, credentials, settings, credentialsSince: since }: Connection,
  tokens: Tokens,
): Login {
  const tokenUrl = tokenUrlOf(settings)
  if ('private_key' in credentials) {
    const { client_email: clientEmail, private_key: privateKey } = credentials
    const grant = {
      kind: 'service_account',
      tokenUrl,
      clientEmail,
      privateKey,
      subject: settings.user,
      scope,
    } as const
    return { tokens, key: id, grant }
  }
  const { client_id: clientId, client_secret: clientSecret, refresh_token: refreshToken } = credentials
  const grant = { kind: 'refresh_token', tokenUrl, clientId, clientSecret, refreshToken, since } as const
  return { tokens, key: id, grant }
}

/** The address of the user's mailbox in the API. */
export function userUrl({ user, base_url }: Settings, prefix = ''): string {
  const origin = base_url ?? 'https://gmail.googleapis.com'
  return `${origin}${prefix}/gmail/v1/users/${encodeURIComponent(user)}`
}

function tokenUrlOf({ token_url }: Settings): string {
  return token_url ?? 'https://oauth2.googleapis.com/token'
}

/** The hosts of API and tokens. */
export function gmailTargets(settings: Settings): Target[] {
  return distinctTargets([urlTarget(userUrl(settings)), urlTarget(tokenUrlOf(settings))])
}
