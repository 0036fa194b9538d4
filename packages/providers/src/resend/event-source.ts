import { z } from 'zod'
import { callApi, callToRemove } from '../lib/call-api.ts'
import { kindsBut } from '../lib/provider-event.ts'
import { Secret } from '../lib/secret.ts'
import type { EventSource } from '../provider.ts'
import { accountOf, type Credentials, type Settings } from './account.ts'
import { parseResend } from './events.ts'
import { type ResendSecrets, resendSecrets, verifyResend } from './verify.ts'

const registration = z.strictObject({ webhook_id: z.string().regex(/^[\w-]{1,64}$/) })
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

/** Resend's webhooks, signed by Svix' scheme: https://resend.com/docs/api-reference/webhooks/create-webhook */
export const resendEvents: EventSource<
  Credentials,
  Settings,
  ResendSecrets,
  z.output<typeof registration>
> = {
  kinds: kindsBut('unsubscribed'),
  proof: 'signature',
  bodyBytesMax: 1_000_000,
  secrets: resendSecrets,
  registration,
  verify: (hook, secrets, io) => verifyResend(hook, secrets, io.now()),
  parse: (hook, receivedAt) => [parseResend(hook, receivedAt)],
  steps: ({ url }) => [
    `In Resend, open Webhooks, choose Add Webhook, and enter the URL ${url}.`,
    'Choose all events that begin with email., but for email.received.',
    'Copy the signing secret (whsec_…) into the secrets of this connection’s events.',
  ],

  // The secret of a webhook is shown when it is made, so one that is there is replaced.
  async register(connection, target, io) {
    const account = accountOf(connection)
    const listed = await callApi(io, account, { method: 'GET', path: '/webhooks?limit=100' }, list)
    if (listed.kind === 'failed') return listed
    for (const { id } of listed.data.data.filter(({ endpoint }) => endpoint === target.url)) {
      const problem = await callToRemove(io, account, `/webhooks/${id}`)
      if (problem) return { kind: 'failed', problem }
    }
    const body = { endpoint: target.url, events }
    const made = await callApi(io, account, { method: 'POST', path: '/webhooks', body }, created)
    if (made.kind === 'failed') return made
    await target.keepSecrets({ signing_secret: new Secret(made.data.signing_secret) })
    return { kind: 'registered', registration: { webhook_id: made.data.id }, notes: [] }
  },

  unregister: (connection, { webhook_id }, io) =>
    callToRemove(io, accountOf(connection), `/webhooks/${webhook_id}`),
}
