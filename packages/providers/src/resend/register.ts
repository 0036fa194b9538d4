import { z } from 'zod'
import { type Api, callApi, callToRemove, jsonRequest } from '../lib/call-api.ts'
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
import { endpoint, type ResendCredentials, type ResendSettings } from './types.ts'
import type { ResendSecrets } from './verify.ts'

type Connection = ProviderConnection<ResendCredentials, ResendSettings>

export type ResendRegistration = { webhook_id: string }

const api: Api = { name: 'Resend', rules, toProviderError }
const list = z.object({ data: z.array(z.object({ id: z.string(), endpoint: z.string() })) })
const created = z.object({ id: z.string(), signing_secret: z.string() })

const events = [
  'email.sent',
  'email.scheduled',
  'email.delivered',
  'email.delivery_delayed',
  'email.complained',
  'email.bounced',
  'email.opened',
  'email.clicked',
  'email.failed',
  'email.suppressed',
]

/** Makes a webhook: https://resend.com/docs/api-reference/webhooks/create-webhook. Its secret is shown then, so one that is there is replaced. */
export async function registerResend(
  connection: Connection,
  target: HookTarget<ResendSecrets>,
  io: Io,
): Promise<Registered<ResendRegistration>> {
  const listed = await callApi(io, toRequest(connection, 'GET', '?limit=100'), api, list)
  if (listed.kind === 'failed') return listed
  for (const { id } of listed.data.data.filter((one) => one.endpoint === target.url)) {
    const problem = await unregisterResend(connection, { webhook_id: id }, io)
    if (problem) return { kind: 'failed', problem }
  }
  const request = toRequest(connection, 'POST', '', { endpoint: target.url, events })
  const made = await callApi(io, request, api, created)
  if (made.kind === 'failed') return made
  await target.keepSecrets({ signing_secret: new Secret(made.data.signing_secret) })
  return { kind: 'registered', registration: { webhook_id: made.data.id }, notes: [] }
}

export function unregisterResend(
  connection: Connection,
  { webhook_id }: ResendRegistration,
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
    Authorization: `Bearer ${credentials.api_key.reveal()}`,
    'User-Agent': 'Lettergate',
  }
  return jsonRequest(method, `${endpoint(settings)}/webhooks${path}`, headers, body)
}
