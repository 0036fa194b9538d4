import { z } from 'zod'
import { kindsBut } from '../lib/provider-event.ts'
import { Secret } from '../lib/secret.ts'
import type { EventSource } from '../provider.ts'
import { type Credentials, callMandrill, type Settings } from './account.ts'
import { parseMandrill } from './events.ts'
import { type MandrillSecrets, mandrillSecrets, verifyMandrill } from './verify.ts'

const registration = z.strictObject({ webhook_id: z.int().nonnegative() })
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

/** Mandrill's webhooks, up to 1,000 events in one form: https://mailchimp.com/developer/transactional/api/webhooks/ */
export const mandrillEvents: EventSource<
  Credentials,
  Settings,
  MandrillSecrets,
  z.output<typeof registration>
> = {
  kinds: kindsBut('accepted'),
  proof: 'signature',
  // A thousand events, each with all opens and clicks of its message, as a form: about 2.5 MB with one of each.
  bodyBytesMax: 5_000_000,
  secrets: mandrillSecrets,
  registration,
  verify: verifyMandrill,
  parse: ({ body }, receivedAt) => parseMandrill(body, receivedAt),
  steps: ({ url }) => [
    `In Mailchimp Transactional, open Settings, Webhooks, choose Add a Webhook, and enter the URL ${url}, exactly so: it is signed.`,
    'Choose all events of messages.',
    'Copy the key of the webhook into the secrets of this connection’s events.',
  ],

  async register(connection, target, io) {
    const listed = await callMandrill(connection, '/webhooks/list', {}, webhooks, io)
    if (listed.kind === 'failed') return listed
    const known = listed.data.find(({ url }) => url === target.url)
    const settings = { url: target.url, description: 'Lettergate', events }
    const made = known
      ? await callMandrill(connection, '/webhooks/update', { id: known.id, ...settings }, webhook, io)
      : await callMandrill(connection, '/webhooks/add', settings, webhook, io)
    if (made.kind === 'failed') return made
    await target.keepSecrets({ auth_key: new Secret(made.data.auth_key) })
    return { kind: 'registered', registration: { webhook_id: made.data.id }, notes: [] }
  },

  async unregister(connection, { webhook_id }, io) {
    const listed = await callMandrill(connection, '/webhooks/list', {}, webhooks, io)
    if (listed.kind === 'failed') return listed.problem
    if (!listed.data.some(({ id }) => id === webhook_id)) return null
    const removed = await callMandrill(connection, '/webhooks/delete', { id: webhook_id }, webhook, io)
    return removed.kind === 'failed' ? removed.problem : null
  },
}
