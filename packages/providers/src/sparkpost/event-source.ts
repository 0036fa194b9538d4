import { z } from 'zod'
import { callApi, callToRemove } from '../lib/call-api.ts'
import { hookUser, type PasswordSecrets, passwordSecrets, verifyPassword } from '../lib/hook-checks.ts'
import { kindsBut } from '../lib/provider-event.ts'
import type { EventSource } from '../provider.ts'
import { type Credentials, type Settings, subaccountOf } from './account.ts'
import { parseSparkpost } from './events.ts'

const registration = z.strictObject({ webhook_id: z.string().regex(/^[\w-]{1,64}$/) })
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

/** SparkPost's webhooks, which are not signed: https://developers.sparkpost.com/api/webhooks/ */
export const sparkpostEvents: EventSource<
  Credentials,
  Settings,
  PasswordSecrets,
  z.output<typeof registration>
> = {
  kinds: kindsBut('sent'),
  proof: 'password',
  // A thousand events of about 2.5 kB, with the metadata of their messages.
  bodyBytesMax: 5_000_000,
  secrets: passwordSecrets,
  registration,
  verify: verifyPassword,
  parse: ({ body }, receivedAt) => parseSparkpost(body, receivedAt),
  steps: ({ url, password }) => [
    `In SparkPost, open Configuration, Webhooks, Create Webhook, and enter the URL ${url}.`,
    `Choose Basic Auth with the user ${hookUser} and the password ${password.reveal()}.`,
    'Choose the events of messages, engagement (without the initial opens), generation and unsubscription.',
  ],

  async register(connection, target, io) {
    const account = subaccountOf(connection)
    const listed = await callApi(io, account, { method: 'GET', path: '/webhooks' }, list)
    if (listed.kind === 'failed') return listed
    // The first call comes while the webhook is made, to try the URL.
    await target.keepSecrets({ password: target.password })
    const known = listed.data.results.find((webhook) => webhook.target === target.url)
    const body = {
      name: 'Lettergate',
      target: target.url,
      active: true,
      events,
      auth_type: 'basic',
      auth_credentials: { username: hookUser, password: target.password.reveal() },
    }
    const made = known
      ? await callApi(io, account, { method: 'PUT', path: `/webhooks/${known.id}`, body }, one)
      : await callApi(io, account, { method: 'POST', path: '/webhooks', body }, one)
    if (made.kind === 'failed') return made
    return { kind: 'registered', registration: { webhook_id: made.data.results.id }, notes: [] }
  },

  unregister: (connection, { webhook_id }, io) =>
    callToRemove(io, subaccountOf(connection), `/webhooks/${webhook_id}`),
}
