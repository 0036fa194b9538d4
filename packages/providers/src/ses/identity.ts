import type { AwsCredentialIdentity } from '@smithy/types'
import { toReason } from '../lib/answer.ts'
import type { FailureCode } from '../lib/failures.ts'
import { isNetworkFailure, networkCode } from '../lib/http.ts'
import { findRule } from '../lib/rules.ts'
import type { Io } from '../provider.ts'
import type { SesConnection, SesCredentials } from './account.ts'
import { stsEndpoint } from './endpoint.ts'
import { rules } from './outcome.ts'
import { describeSdkError, nameOf } from './sdk-error.ts'

/** Keys to sign with, or why there are none. */
export type Identity =
  | { kind: 'keys'; keys: AwsCredentialIdentity }
  | { kind: 'failed'; code: FailureCode; reason: string }

export type Identities = { of(connection: SesConnection, io: Io): Promise<Identity> }

/** A role's keys are renewed this long before they end. */
const RENEW_MS = 5 * 60_000
const SESSION_SECONDS = 3_600

/** Looks up keys as the SDK does by default: environment, web identity (IRSA), container, instance role, `~/.aws`. */
export type EnvironmentKeys = () => Promise<AwsCredentialIdentity>

/** Looks the keys up at the first use, and again shortly before they end; the SDK's own sockets ask the machine's metadata service. */
export function environmentKeys(): EnvironmentKeys {
  let provider: Promise<EnvironmentKeys> | undefined
  return async () => {
    provider ??= import('@aws-sdk/credential-provider-node').then(({ defaultProvider }) => defaultProvider())
    return (await provider)()
  }
}

/**
 * Finds the keys of a connection: its own, those of a role that it assumes, or those of this process.
 * A role's keys are kept until shortly before they end; concurrent calls share one question.
 */
export function createIdentities(environment?: EnvironmentKeys): Identities {
  const own = new WeakMap<SesCredentials, AwsCredentialIdentity>()
  const roles = new WeakMap<SesCredentials, { identity: Promise<Identity>; until: number }>()

  async function ownKeys(credentials: SesCredentials): Promise<Identity> {
    if (credentials.access_key_id !== undefined) {
      const { access_key_id, secret_access_key, session_token } = credentials
      const keys = own.get(credentials) ?? {
        accessKeyId: access_key_id.reveal(),
        secretAccessKey: secret_access_key.reveal(),
        ...(session_token && { sessionToken: session_token.reveal() }),
      }
      own.set(credentials, keys)
      return { kind: 'keys', keys }
    }
    if (!environment)
      return {
        kind: 'failed',
        code: 'provider-settings-wrong',
        reason: 'the operator permits no connection without keys',
      }
    try {
      return { kind: 'keys', keys: await environment() }
    } catch (error) {
      return {
        kind: 'failed',
        code: 'provider-credentials-refused',
        reason: toReason(`no AWS identity was found: ${nameOf(error)}`),
      }
    }
  }

  async function assume(connection: SesConnection, io: Io): Promise<Identity> {
    const { credentials, settings } = connection
    const base = await ownKeys(credentials)
    if (base.kind === 'failed' || credentials.role_arn === undefined) return base
    const { AssumeRoleCommand, STSClient } = await import('@aws-sdk/client-sts')
    const { clientOptions, createSdkTransport } = await import('./sdk-transport.ts')
    const client = new STSClient({
      ...clientOptions(io, settings.region, createSdkTransport(io)),
      endpoint: stsEndpoint(settings),
      credentials: base.keys,
    })
    const command = new AssumeRoleCommand({
      RoleArn: credentials.role_arn,
      RoleSessionName: 'lettergate',
      ExternalId: credentials.external_id,
      DurationSeconds: SESSION_SECONDS,
    })
    try {
      const { Credentials: given } = await client.send(command)
      if (!given?.AccessKeyId || !given.SecretAccessKey || !given.SessionToken)
        return { kind: 'failed', code: 'provider-settings-wrong', reason: 'the answer is not one of STS' }
      const keys = {
        accessKeyId: given.AccessKeyId,
        secretAccessKey: given.SecretAccessKey,
        sessionToken: given.SessionToken,
        ...(given.Expiration && { expiration: given.Expiration }),
      }
      return { kind: 'keys', keys }
    } catch (error) {
      return toFailed(error)
    } finally {
      client.destroy()
    }
  }

  return {
    of(connection, io) {
      const { credentials } = connection
      if (credentials.role_arn === undefined) return ownKeys(credentials)
      const now = io.now().getTime()
      const known = roles.get(credentials)
      if (known && now < known.until) return known.identity
      const entry = { identity: assume(connection, io), until: now + RENEW_MS }
      roles.set(credentials, entry)
      void entry.identity.then(
        (identity) => {
          if (identity.kind === 'failed') roles.delete(credentials)
          else entry.until = (identity.keys.expiration?.getTime() ?? now + SESSION_SECONDS * 1000) - RENEW_MS
        },
        () => roles.delete(credentials),
      )
      return entry.identity
    },
  }
}

/** Nothing was sent yet, so no failure here leaves an outcome unknown. */
function toFailed(error: unknown): Identity {
  if (isNetworkFailure(error)) {
    const code = error.refused ? networkCode(error) : 'provider-unreachable'
    return { kind: 'failed', code, reason: toReason('STS:', error.reason) }
  }
  const { status, message } = describeSdkError(error)
  if (status === undefined)
    return { kind: 'failed', code: 'provider-unavailable', reason: toReason('STS:', nameOf(error)) }
  const name = nameOf(error)
  const found = findRule(rules, { status, code: name, message })?.is ?? 'provider-settings-wrong'
  const code = status >= 500 ? 'provider-unavailable' : found
  return { kind: 'failed', code, reason: toReason('STS:', status, name, message) }
}
