import { classOf } from '../lib/failures.ts'
import type { TokenFailure } from './answer.ts'

// Advice for a person; the first match applies.
const advice: [RegExp, string][] = [
  [/AADSTS7000215/, 'Enter the value of the client secret, not its id; make a new one if its value is lost.'],
  [/AADSTS7000222/, 'The client secret has expired: make a new one in the app registration.'],
  [/AADSTS(700016|90002|900023)/, 'Compare the tenant id and the client id with the app registration.'],
  [
    /AADSTS(65001|650\d\d)|consent/,
    'An administrator must grant consent to the permissions of the application.',
  ],
  [/AADSTS500(34|57)/, 'The user does not exist or is disabled in this tenant.'],
  [
    /Invalid JWT|iat and exp/i,
    'Compare the key with that of the service account, and set the clock of this machine.',
  ],
  [/invalid_grant/, 'The grant was revoked or has expired: consent again, and store the new refresh token.'],
  [
    /unauthorized_client/,
    'Permit the client for this kind of grant; for a service account, authorise its client id and scope for domain-wide delegation in the admin console.',
  ],
  [/invalid_client/, 'Compare client id and client secret with those at the provider.'],
]

/** Advice on a failure, in whole sentences; empty if only the usual advice applies. */
export function adviceOn({ code, reason }: TokenFailure): string[] {
  if (classOf(code).outcome === 'deferred') return []
  const found = advice.find(([pattern]) => pattern.test(reason))
  return found ? [found[1]] : []
}
