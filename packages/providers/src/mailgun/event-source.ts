import { z } from 'zod'
import { callApi, callToRemove, requestApi } from '../lib/call-api.ts'
import { kindsBut } from '../lib/provider-event.ts'
import { Secret } from '../lib/secret.ts'
import type { AccountProblem, EventSource, Io } from '../provider.ts'
import { accountOf, type Connection, type Credentials, type Settings } from './account.ts'
import { parseMailgun } from './events.ts'
import { type MailgunSecrets, mailgunSecrets, verifyMailgun } from './verify.ts'

const registration = z.strictObject({ url: z.url().max(2048) })
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
 * Mailgun's webhooks of a domain: https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/domain-webhooks
 */
export const mailgunEvents: EventSource<
  Credentials,
  Settings,
  MailgunSecrets,
  z.output<typeof registration>
> = {
  kinds: kindsBut('sent'),
  proof: 'signature',
  bodyBytesMax: 1_000_000,
  secrets: mailgunSecrets,
  registration,
  verify: (hook, secrets, io) => verifyMailgun(hook, secrets, io.now()),
  parse: ({ body }, receivedAt) => [parseMailgun(body, receivedAt)],
  steps: ({ url }) => [
    `In Mailgun, open Send, Sending, Webhooks, choose the domain, and add the URL ${url} to every event.`,
    'Open API Security, and copy the HTTP webhook signing key into the secrets of this connection’s events.',
  ],

  /** Adds the URL to every kind of event of the domain, after one that an earlier call left is removed. */
  async register(connection, target, io) {
    const account = accountOf(connection)
    const found = await callApi(io, account, { method: 'GET', path: '/v5/accounts/http_signing_key' }, key)
    if (found.kind === 'failed') return found
    await target.keepSecrets({ signing_key: new Secret(found.data.http_signing_key) })
    const problem = await remove(connection, target.url, io)
    if (problem) return { kind: 'failed', problem }
    const fields = [['url', target.url], ...eventTypes.map((type) => ['event_types', type])]
    const request = {
      method: 'POST',
      url: account.url + webhooksPath(connection),
      headers: { ...account.headers, 'Content-Type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(fields).toString(),
    } as const
    const added = await requestApi(io, account, request, made)
    if (added.kind === 'failed') return added
    return { kind: 'registered', registration: { url: target.url }, notes: [] }
  },

  unregister: (connection, { url }, io) => remove(connection, url, io),
}

function remove(connection: Connection, url: string, io: Io): Promise<AccountProblem | null> {
  const path = `${webhooksPath(connection)}?${new URLSearchParams({ url })}`
  return callToRemove(io, accountOf(connection), path)
}

function webhooksPath({ settings }: Connection): string {
  return `/v4/domains/${settings.domain}/webhooks`
}
