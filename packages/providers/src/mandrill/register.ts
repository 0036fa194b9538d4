import { z } from 'zod'
import { type Api, type Called, callApi } from '../lib/call-api.ts'
import { Secret } from '../lib/secret.ts'
import type { AccountProblem, HookTarget, Io, ProviderConnection, Registered } from '../provider.ts'
import { rules, toProviderError } from './outcome.ts'
import { apiPath } from './send.ts'
import { endpoint, type MandrillCredentials, type MandrillSettings } from './types.ts'
import type { MandrillSecrets } from './verify.ts'

type Connection = ProviderConnection<MandrillCredentials, MandrillSettings>

export type MandrillRegistration = { webhook_id: number }

const api: Api = { name: 'Mandrill', rules, toProviderError }
const webhook = z.object({ id: z.number(), url: z.string(), auth_key: z.string().min(1) })
const webhooks = z.array(webhook)

const events = [
  'send',
  'deferral',
  'delivered',
  'hard_bounce',
  'soft_bounce',
  'open',
  'click',
  'spam',
  'unsub',
  'reject',
]

/** Makes a webhook, or takes up the one with this URL: https://mailchimp.com/developer/transactional/api/webhooks/ */
export async function registerMandrill(
  connection: Connection,
  target: HookTarget<MandrillSecrets>,
  io: Io,
): Promise<Registered<MandrillRegistration>> {
  const listed = await call(connection, 'list', {}, webhooks, io)
  if (listed.kind === 'failed') return listed
  const known = listed.data.find(({ url }) => url === target.url)
  const settings = { url: target.url, description: 'Lettergate', events }
  const made = known
    ? await call(connection, 'update', { id: known.id, ...settings }, webhook, io)
    : await call(connection, 'add', settings, webhook, io)
  if (made.kind === 'failed') return made
  await target.keepSecrets({ auth_key: new Secret(made.data.auth_key) })
  return { kind: 'registered', registration: { webhook_id: made.data.id }, notes: [] }
}

export async function unregisterMandrill(
  connection: Connection,
  { webhook_id }: MandrillRegistration,
  io: Io,
): Promise<AccountProblem | null> {
  const listed = await call(connection, 'list', {}, webhooks, io)
  if (listed.kind === 'failed') return listed.problem
  if (!listed.data.some(({ id }) => id === webhook_id)) return null
  const removed = await call(connection, 'delete', { id: webhook_id }, webhook, io)
  return removed.kind === 'failed' ? removed.problem : null
}

function call<T>(
  { credentials, settings }: Connection,
  name: string,
  fields: object,
  answer: z.ZodType<T>,
  io: Io,
): Promise<Called<T>> {
  const request = {
    method: 'POST',
    url: `${endpoint(settings)}${apiPath}/webhooks/${name}`,
    headers: { 'Content-Type': 'application/json', 'User-Agent': 'Lettergate' },
    body: JSON.stringify({ key: credentials.api_key.reveal(), ...fields }),
  } as const
  return callApi(io, request, api, answer)
}
