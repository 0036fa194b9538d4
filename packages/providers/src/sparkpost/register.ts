import { z } from 'zod'
import { type Api, callApi, callToRemove, jsonRequest } from '../lib/call-api.ts'
import { hookUser, type PasswordSecrets } from '../lib/hook-checks.ts'
import type {
  AccountProblem,
  HookTarget,
  HttpRequest,
  Io,
  ProviderConnection,
  Registered,
} from '../provider.ts'
import { rules, toProviderError } from './outcome.ts'
import { endpoint, type SparkpostCredentials, type SparkpostSettings } from './types.ts'

type Connection = ProviderConnection<SparkpostCredentials, SparkpostSettings>

export type SparkpostRegistration = { webhook_id: string }

const api: Api = { name: 'SparkPost', rules, toProviderError }
const list = z.object({ results: z.array(z.object({ id: z.string(), target: z.string() })) })
const one = z.object({ results: z.object({ id: z.string() }) })

const events = [
  'injection',
  'delay',
  'delivery',
  'bounce',
  'out_of_band',
  'policy_rejection',
  'generation_rejection',
  'generation_failure',
  'spam_complaint',
  'list_unsubscribe',
  'link_unsubscribe',
  'open',
  'amp_open',
  'click',
  'amp_click',
]

/** Makes a webhook, or takes up the one with this URL: https://developers.sparkpost.com/api/webhooks/ */
export async function registerSparkpost(
  connection: Connection,
  target: HookTarget<PasswordSecrets>,
  io: Io,
): Promise<Registered<SparkpostRegistration>> {
  const listed = await callApi(io, toRequest(connection, 'GET', ''), api, list)
  if (listed.kind === 'failed') return listed
  // The first call comes while the webhook is made, to try the URL.
  await target.keepSecrets({ password: target.password })
  const known = listed.data.results.find((webhook) => webhook.target === target.url)
  const settings = {
    name: 'Lettergate',
    target: target.url,
    active: true,
    events,
    auth_type: 'basic',
    auth_credentials: { username: hookUser, password: target.password.reveal() },
  }
  const request = known
    ? toRequest(connection, 'PUT', `/${known.id}`, settings)
    : toRequest(connection, 'POST', '', settings)
  const made = await callApi(io, request, api, one)
  if (made.kind === 'failed') return made
  return { kind: 'registered', registration: { webhook_id: made.data.results.id }, notes: [] }
}

export function unregisterSparkpost(
  connection: Connection,
  { webhook_id }: SparkpostRegistration,
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
    Authorization: credentials.api_key.reveal(),
    'User-Agent': 'Lettergate',
    ...(settings.subaccount !== undefined && { 'X-MSYS-SUBACCOUNT': String(settings.subaccount) }),
  }
  return jsonRequest(method, `${endpoint(settings)}/api/v1/webhooks${path}`, headers, body)
}
