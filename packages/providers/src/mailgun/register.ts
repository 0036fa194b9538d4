import { z } from 'zod'
import { type Api, callApi, callToRemove } from '../lib/call-api.ts'
import { Secret } from '../lib/secret.ts'
import type {
  AccountProblem,
  HookTarget,
  HttpRequest,
  Io,
  ProviderConnection,
  Registered,
} from '../provider.ts'
import { rules, toProviderError } from './outcome.ts'
import { toHeaders } from './post.ts'
import { endpoint, type MailgunCredentials, type MailgunSettings } from './types.ts'
import type { MailgunSecrets } from './verify.ts'

type Connection = ProviderConnection<MailgunCredentials, MailgunSettings>

export type MailgunRegistration = { url: string }

const api: Api = { name: 'Mailgun', rules, toProviderError }
const key = z.object({ http_signing_key: z.string().min(1) })
const made = z.object({ webhooks: z.object({}) })

const eventTypes = [
  'accepted',
  'delivered',
  'opened',
  'clicked',
  'unsubscribed',
  'complained',
  'temporary_fail',
  'permanent_fail',
]

/**
 * Adds the URL to every kind of event of the domain, after one that an earlier call left is removed:
 * https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/domain-webhooks
 */
export async function registerMailgun(
  connection: Connection,
  target: HookTarget<MailgunSecrets>,
  io: Io,
): Promise<Registered<MailgunRegistration>> {
  const at = endpoint(connection.settings)
  const headers = toHeaders(connection.credentials)
  const keyUrl = `${at}/v5/accounts/http_signing_key`
  const account = await callApi(io, { method: 'GET', url: keyUrl, headers }, api, key)
  if (account.kind === 'failed') return account
  await target.keepSecrets({ signing_key: new Secret(account.data.http_signing_key) })
  const problem = await unregisterMailgun(connection, { url: target.url }, io)
  if (problem) return { kind: 'failed', problem }
  const fields = [['url', target.url], ...eventTypes.map((type) => ['event_types', type])]
  const request: HttpRequest = {
    method: 'POST',
    url: webhooksUrl(connection),
    headers: { ...headers, 'Content-Type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(fields).toString(),
  }
  const added = await callApi(io, request, api, made)
  if (added.kind === 'failed') return added
  return { kind: 'registered', registration: { url: target.url }, notes: [] }
}

export function unregisterMailgun(
  connection: Connection,
  { url }: MailgunRegistration,
  io: Io,
): Promise<AccountProblem | null> {
  const address = `${webhooksUrl(connection)}?${new URLSearchParams({ url })}`
  return callToRemove(io, { method: 'DELETE', url: address, headers: toHeaders(connection.credentials) }, api)
}

function webhooksUrl({ settings }: Connection): string {
  return `${endpoint(settings)}/v4/domains/${settings.domain}/webhooks`
}
