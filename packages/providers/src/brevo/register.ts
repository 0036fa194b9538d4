import { z } from 'zod'
import { type Api, callApi, callToRemove, jsonRequest } from '../lib/call-api.ts'
import type { PasswordSecrets } from '../lib/hook-checks.ts'
import type {
  AccountProblem,
  HookTarget,
  HttpRequest,
  Io,
  ProviderConnection,
  Registered,
} from '../provider.ts'
import { rules, toProviderError } from './outcome.ts'
import { type BrevoCredentials, type BrevoSettings, endpoint } from './types.ts'

type Connection = ProviderConnection<BrevoCredentials, BrevoSettings>

export type BrevoRegistration = { webhook_id: number }

const api: Api = { name: 'Brevo', rules, toProviderError }
const webhook = z.object({ id: z.number() })
const list = z.object({ webhooks: z.array(webhook.extend({ url: z.string() })).default([]) })

// `uniqueOpened` would come beside `opened`.
const events = [
  'request',
  'deferred',
  'delivered',
  'hardBounce',
  'softBounce',
  'invalid',
  'blocked',
  'spam',
  'opened',
  'click',
  'unsubscribed',
]

/** Makes a webhook, or takes up the one with this URL: https://developers.brevo.com/reference/create-webhook */
export async function registerBrevo(
  connection: Connection,
  target: HookTarget<PasswordSecrets>,
  io: Io,
): Promise<Registered<BrevoRegistration>> {
  const listed = await callApi(io, toRequest(connection, 'GET', '?type=transactional'), api, list)
  // An account without webhooks answers that there is no such document.
  if (listed.kind === 'failed' && listed.status !== 404) return listed
  await target.keepSecrets({ password: target.password })
  const known = listed.kind === 'answered' && listed.data.webhooks.find(({ url }) => url === target.url)
  const settings = {
    url: target.url,
    description: 'Lettergate',
    events,
    auth: { type: 'bearer', token: target.password.reveal() },
  }
  if (known) {
    const changed = await callApi(
      io,
      toRequest(connection, 'PUT', `/${known.id}`, settings),
      api,
      z.object({}),
    )
    if (changed.kind === 'failed') return changed
    return { kind: 'registered', registration: { webhook_id: known.id }, notes: [] }
  }
  const wanted = { ...settings, type: 'transactional', channel: 'email' }
  const made = await callApi(io, toRequest(connection, 'POST', '', wanted), api, webhook)
  if (made.kind === 'failed') return made
  return { kind: 'registered', registration: { webhook_id: made.data.id }, notes: [] }
}

export function unregisterBrevo(
  connection: Connection,
  { webhook_id }: BrevoRegistration,
  io: Io,
): Promise<AccountProblem | null> {
  return callToRemove(io, toRequest(connection, 'DELETE', `/${webhook_id}`), api)
}

function toRequest(
  { credentials, settings }: Connection,
  method: HttpRequest['method'],
  path: string,
  body?: object,
): HttpRequest {
  const headers = {
    'api-key': credentials.api_key.reveal(),
    Accept: 'application/json',
  }
  return jsonRequest(method, `${endpoint(settings)}/webhooks${path}`, headers, body)
}
