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
import { endpoint, type PostmarkCredentials, type PostmarkSettings } from './types.ts'

type Connection = ProviderConnection<PostmarkCredentials, PostmarkSettings>

export type PostmarkRegistration = { webhook_id: number }

const api: Api = { name: 'Postmark', rules, toProviderError }
const webhook = z.object({ ID: z.number() })
const list = z.object({ Webhooks: z.array(webhook.extend({ Url: z.string() })) })

/** Of the message stream that the connection sends through: https://postmarkapp.com/developer/api/webhooks-api */
export async function registerPostmark(
  connection: Connection,
  target: HookTarget<PasswordSecrets>,
  io: Io,
): Promise<Registered<PostmarkRegistration>> {
  const stream = connection.settings.message_stream ?? 'outbound'
  const listed = await callApi(io, toRequest(connection, 'GET', `?MessageStream=${stream}`), api, list)
  if (listed.kind === 'failed') return listed
  await target.keepSecrets({ password: target.password })
  const known = listed.data.Webhooks.find(({ Url }) => Url === target.url)
  const settings = {
    Url: target.url,
    HttpAuth: { Username: hookUser, Password: target.password.reveal() },
    Triggers: {
      Delivery: { Enabled: true },
      Bounce: { Enabled: true, IncludeContent: false },
      SpamComplaint: { Enabled: true, IncludeContent: false },
      SubscriptionChange: { Enabled: true },
      Open: { Enabled: true, PostFirstOpenOnly: false },
      Click: { Enabled: true },
    },
  }
  const request = known
    ? toRequest(connection, 'PUT', `/${known.ID}`, settings)
    : toRequest(connection, 'POST', '', { ...settings, MessageStream: stream })
  const made = await callApi(io, request, api, webhook)
  if (made.kind === 'failed') return made
  return { kind: 'registered', registration: { webhook_id: made.data.ID }, notes: [] }
}

export async function unregisterPostmark(
  connection: Connection,
  { webhook_id }: PostmarkRegistration,
  io: Io,
): Promise<AccountProblem | null> {
  const listed = await callApi(io, toRequest(connection, 'GET', ''), api, list)
  if (listed.kind === 'failed') return listed.problem
  const isThere = listed.data.Webhooks.some(({ ID }) => ID === webhook_id)
  return isThere ? callToRemove(io, toRequest(connection, 'DELETE', `/${webhook_id}`), api) : null
}

function toRequest(
  { credentials, settings }: Connection,
  method: HttpRequest['method'],
  path: string,
  body?: object,
): HttpRequest {
  const headers = {
    'X-Postmark-Server-Token': credentials.server_token.reveal(),
    Accept: 'application/json',
  }
  return jsonRequest(method, `${endpoint(settings)}/webhooks${path}`, headers, body)
}
