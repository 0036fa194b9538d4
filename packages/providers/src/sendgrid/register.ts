import { z } from 'zod'
import { type Api, callApi, callToRemove, jsonRequest } from '../lib/call-api.ts'
import type {
  AccountProblem,
  HookTarget,
  HttpRequest,
  Io,
  ProviderConnection,
  Registered,
} from '../provider.ts'
import { rules, toProviderError } from './outcome.ts'
import type { SendgridCredentials, SendgridSettings } from './types.ts'
import type { SendgridSecrets } from './verify.ts'

type Connection = ProviderConnection<SendgridCredentials, SendgridSettings>

export type SendgridRegistration = { webhook_id: string }

const api: Api = { name: 'SendGrid', rules, toProviderError }
const webhook = z.object({ id: z.string(), url: z.string() })
const webhooks = z.object({ webhooks: z.array(webhook) })
const signed = z.object({ public_key: z.string().min(1) })

/** Makes a webhook, switches its signature on, and only then the webhook itself, so that no event comes unsigned. */
export async function registerSendgrid(
  connection: Connection,
  target: HookTarget<SendgridSecrets>,
  endpoint: string,
  io: Io,
): Promise<Registered<SendgridRegistration>> {
  const at = (method: HttpRequest['method'], path: string, body?: object) =>
    toRequest(connection, method, `${endpoint}/v3/user/webhooks/event/settings${path}`, body)
  const listed = await callApi(io, at('GET', '/all'), api, webhooks)
  if (listed.kind === 'failed') return listed
  const known = listed.data.webhooks.find(({ url }) => url === target.url)
  const settings = toSettings(target.url)
  const made = known
    ? ({ kind: 'answered', data: known } as const)
    : await callApi(io, at('POST', '', { ...settings, enabled: false }), api, webhook)
  if (made.kind === 'failed') return made
  const { id } = made.data
  const key = await callApi(io, at('PATCH', `/signed/${id}`, { enabled: true }), api, signed)
  if (key.kind === 'failed') return key
  await target.keepSecrets({ public_key: key.data.public_key })
  const on = await callApi(io, at('PATCH', `/${id}`, { ...settings, enabled: true }), api, webhook)
  if (on.kind === 'failed') return on
  return { kind: 'registered', registration: { webhook_id: id }, notes: [] }
}

export function unregisterSendgrid(
  connection: Connection,
  { webhook_id }: SendgridRegistration,
  endpoint: string,
  io: Io,
): Promise<AccountProblem | null> {
  const url = `${endpoint}/v3/user/webhooks/event/settings/${webhook_id}`
  return callToRemove(io, toRequest(connection, 'DELETE', url), api)
}

/** https://www.twilio.com/docs/sendgrid/api-reference/webhooks/create-an-event-webhook */
function toSettings(url: string) {
  const wanted = {
    processed: true,
    deferred: true,
    delivered: true,
    bounce: true,
    dropped: true,
    open: true,
    click: true,
    spam_report: true,
    unsubscribe: true,
    group_unsubscribe: true,
    group_resubscribe: false,
  }
  return { url, friendly_name: 'Lettergate', ...wanted }
}

function toRequest(
  { credentials }: Connection,
  method: HttpRequest['method'],
  url: string,
  body?: object,
): HttpRequest {
  const headers = {
    Authorization: `Bearer ${credentials.api_key.reveal()}`,
    Accept: 'application/json',
    'User-Agent': 'Lettergate',
  }
  return jsonRequest(method, url, headers, body)
}
