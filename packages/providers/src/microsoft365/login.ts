import { urlTarget } from '../lib/http.ts'
import { distinctTargets } from '../lib/targets.ts'
import type { Login } from '../oauth2/io.ts'
import type { Tokens } from '../oauth2/tokens.ts'
import type { Target } from '../provider.ts'
import type { Connection, Settings } from './account.ts'

/** How a connection gets its token: https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-client-creds-grant-flow */
export function toLogin(
  { id, credentials, settings, credentialsSince: since }: Connection,
  tokens: Tokens,
): Login {
  const { client_id: clientId, client_secret: clientSecret, refresh_token: refreshToken } = credentials
  const tokenUrl = `${loginUrl(settings)}/${settings.tenant}/oauth2/v2.0/token`
  // All that the app was given, at the Graph of this cloud.
  const scope = `${new URL(graphUrl(settings)).origin}/.default`
  if (refreshToken) {
    const kind = 'refresh_token'
    // Without offline_access the answer need not bring the refresh token that takes the place of this one.
    const grant = {
      kind,
      tokenUrl,
      clientId,
      clientSecret,
      refreshToken,
      scope: `${scope} offline_access`,
      since,
    } as const
    return { tokens, key: id, grant }
  }
  if (!clientSecret) throw new TypeError('credentials without any secret')
  return { tokens, key: id, grant: { kind: 'client_credentials', tokenUrl, clientId, clientSecret, scope } }
}

/** In the clouds of the US government there are none: https://learn.microsoft.com/en-us/graph/api/attachment-createuploadsession */
export function takesSessions(settings: Settings): boolean {
  return !new URL(graphUrl(settings)).hostname.endsWith('.microsoft.us')
}

/** The address of the mailbox in Graph. */
export function userUrl(settings: Settings): string {
  return `${graphUrl(settings)}/v1.0/users/${encodeURIComponent(settings.user)}`
}

function graphUrl({ base_url }: Settings): string {
  return base_url ?? 'https://graph.microsoft.com'
}

function loginUrl({ login_url }: Settings): string {
  return login_url ?? 'https://login.microsoftonline.com'
}

/** The hosts of Graph and of tokens. */
export function microsoft365Targets(settings: Settings): Target[] {
  return distinctTargets([urlTarget(graphUrl(settings)), urlTarget(loginUrl(settings))])
}
