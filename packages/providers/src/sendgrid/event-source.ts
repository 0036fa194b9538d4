import { z } from 'zod'
import { callApi, callToRemove } from '../lib/call-api.ts'
import { kindsBut } from '../lib/provider-event.ts'
import type { EventSource } from '../provider.ts'
import { accountOf, type Credentials, type Settings } from './account.ts'
import { parseSendgrid } from './events.ts'
import { type SendgridSecrets, sendgridSecrets, verifySendgrid } from './verify.ts'

const registration = z.strictObject({ webhook_id: z.string().regex(/^[\w-]{1,64}$/) })
const webhook = z.object({ id: z.string(), url: z.string() })
const webhooks = z.object({ webhooks: z.array(webhook) })
const signed = z.object({ public_key: z.string().min(1) })

const webhooksPath = '/v3/user/webhooks/event/settings'

/** SendGrid's signed event webhook. */
export const sendgridEvents: EventSource<
  Credentials,
  Settings,
  SendgridSecrets,
  z.output<typeof registration>
> = {
  kinds: kindsBut('accepted'),
  proof: 'signature',
  bodyBytesMax: 1_000_000,
  secrets: sendgridSecrets,
  registration,
  verify: (hook, secrets, io) => verifySendgrid(hook, secrets, io.now()),
  parse: ({ body }, receivedAt) => parseSendgrid(body, receivedAt),
  steps: ({ url }) => [
    `In SendGrid, open Settings, Mail Settings, Event Webhooks, and create a webhook with the URL ${url}.`,
    'Choose all events of deliverability and engagement.',
    'Enable Signature Verification, copy the verification key into the secrets of this connection’s events, and enable the webhook.',
  ],

  /** Makes a webhook, switches its signature on, and only then the webhook itself, so that no event comes unsigned. */
  async register(connection, target, io) {
    const account = accountOf(connection)
    const listed = await callApi(io, account, { method: 'GET', path: `${webhooksPath}/all` }, webhooks)
    if (listed.kind === 'failed') return listed
    const known = listed.data.webhooks.find(({ url }) => url === target.url)
    const settings = toSettings(target.url)
    const off = { method: 'POST', path: webhooksPath, body: { ...settings, enabled: false } } as const
    const made = known
      ? ({ kind: 'answered', data: known } as const)
      : await callApi(io, account, off, webhook)
    if (made.kind === 'failed') return made
    const { id } = made.data
    const change = (path: string, body: object) =>
      ({ method: 'PATCH', path: `${webhooksPath}${path}/${id}`, body }) as const
    const key = await callApi(io, account, change('/signed', { enabled: true }), signed)
    if (key.kind === 'failed') return key
    await target.keepSecrets({ public_key: key.data.public_key })
    const on = await callApi(io, account, change('', { ...settings, enabled: true }), webhook)
    if (on.kind === 'failed') return on
    return { kind: 'registered', registration: { webhook_id: id }, notes: [] }
  },

  unregister: (connection, { webhook_id }, io) =>
    callToRemove(io, accountOf(connection), `${webhooksPath}/${webhook_id}`),
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
