import { sign } from 'node:crypto'
import { Secret } from '../lib/secret.ts'
import type { HttpRequest } from '../provider.ts'

/** Parameters of a token request. `scope` holds several names, divided by spaces. */
export type Grant =
  | {
      kind: 'refresh_token'
      tokenUrl: string
      clientId: string
      /** Absent for a public client. */
      clientSecret?: Secret | undefined
      refreshToken: Secret
      /** Absent: all that was consented to. */
      scope?: string | undefined
      /** When a person stored these credentials: of those, each refresh token that took the place of another is as good as it. */
      since?: string | undefined
    }
  | {
      kind: 'client_credentials'
      tokenUrl: string
      clientId: string
      clientSecret: Secret
      scope: string
    }
  | {
      kind: 'service_account'
      tokenUrl: string
      clientEmail: string
      privateKey: Secret
      /** The user of the domain on whose behalf it acts. */
      subject: string
      scope: string
    }

const assertionSeconds = 3_600

/** Whether both ask for the same with the same secrets. */
export function isSameGrant(one: Grant, other: Grant): boolean {
  if (one === other) return true
  const values = entriesOf(one)
  const others = entriesOf(other)
  return values.length === others.length && values.every((value, at) => value === others[at])
}

function entriesOf(grant: Grant): string[] {
  const isReplaceable = grant.kind === 'refresh_token' && grant.since !== undefined
  return Object.entries(grant)
    .filter(([name]) => !(isReplaceable && name === 'refreshToken'))
    .map(([name, value]) => `${name} ${value instanceof Secret ? value.reveal() : value}`)
    .sort()
}

/** The request for a token, and the secrets in it. */
export function toTokenRequest(grant: Grant, now: Date): { request: HttpRequest; secrets: string[] } {
  const fields = toFields(grant, now)
  return {
    request: {
      method: 'POST',
      url: grant.tokenUrl,
      headers: { 'Content-Type': 'application/x-www-form-urlencoded', Accept: 'application/json' },
      body: new URLSearchParams(fields).toString(),
    },
    secrets: ['client_secret', 'refresh_token', 'assertion'].flatMap((name) => fields[name] ?? []),
  }
}

// https://www.rfc-editor.org/rfc/rfc6749#section-4.4 and #section-6, https://www.rfc-editor.org/rfc/rfc7523#section-2.1
function toFields(grant: Grant, now: Date): Record<string, string> {
  switch (grant.kind) {
    case 'refresh_token':
      return {
        grant_type: 'refresh_token',
        client_id: grant.clientId,
        ...(grant.clientSecret && { client_secret: grant.clientSecret.reveal() }),
        refresh_token: grant.refreshToken.reveal(),
        ...(grant.scope !== undefined && { scope: grant.scope }),
      }
    case 'client_credentials':
      return {
        grant_type: 'client_credentials',
        client_id: grant.clientId,
        client_secret: grant.clientSecret.reveal(),
        scope: grant.scope,
      }
    case 'service_account':
      return {
        grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
        assertion: toAssertion(grant, now),
      }
  }
}

/** https://developers.google.com/identity/protocols/oauth2/service-account#httprest */
function toAssertion(grant: Extract<Grant, { kind: 'service_account' }>, now: Date): string {
  const issued = Math.floor(now.getTime() / 1000)
  const claims = {
    iss: grant.clientEmail,
    sub: grant.subject,
    scope: grant.scope,
    aud: grant.tokenUrl,
    iat: issued,
    exp: issued + assertionSeconds,
  }
  const unsigned = [{ alg: 'RS256', typ: 'JWT' }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.')
  return `${unsigned}.${sign('RSA-SHA256', Buffer.from(unsigned), grant.privateKey.reveal()).toString('base64url')}`
}
