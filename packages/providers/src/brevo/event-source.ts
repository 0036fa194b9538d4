import { z } from 'zod'
import { callApi, callToRemove } from '../lib/call-api.ts'
import { type PasswordSecrets, passwordSecrets, verifyPassword } from '../lib/hook-checks.ts'
import { kindsBut } from '../lib/provider-event.ts'
import type { EventSource } from '../provider.ts'
import { accountOf, type Credentials, type Settings } from './account.ts'
import { parseBrevo } from './events.ts'

const registration = z.strictObject({ webhook_id: z.int().nonnegative() })
const webhook = z.object({ id: z.number() })
const list = z.object({ webhooks: z.array(webhook.extend({ url: z.string() })).default([]) })

// `uniqueOpened` would come beside `opened`.
const events = [
  'request',
  'deferred',
  'delivered',
  'hardBounce',
  'softBounce',
  'invalid',
  'blocked',
  'spam',
  'opened',
  'click',
  'unsubscribed',
]

/** Brevo's transactional webhooks, which are not signed: https://developers.brevo.com/reference/create-webhook */
export const brevoEvents: EventSource<
  Credentials,
  Settings,
  PasswordSecrets,
  z.output<typeof registration>
> = {
  kinds: kindsBut('accepted'),
  proof: 'password',
  bodyBytesMax: 1_000_000,
  secrets: passwordSecrets,
  registration,
  verify: verifyPassword,
  parse: ({ body }, receivedAt) => parseBrevo(body, receivedAt),
  steps: ({ url, password }) => [
    `In Brevo, open Transactional, Settings, Webhook, Add a new webhook, and enter the URL ${url}.`,
    `Choose token authentication with the token ${password.reveal()}.`,
    'Choose all events but the first openings, which come beside the openings.',
  ],

  async register(connection, target, io) {
    const account = accountOf(connection)
    const listed = await callApi(io, account, { method: 'GET', path: '/webhooks?type=transactional' }, list)
    // An account without webhooks answers that there is no such document.
    if (listed.kind === 'failed' && listed.status !== 404) return listed
    await target.keepSecrets({ password: target.password })
    const known = listed.kind === 'answered' && listed.data.webhooks.find(({ url }) => url === target.url)
    const settings = {
      url: target.url,
      description: 'Lettergate',
      events,
      auth: { type: 'bearer', token: target.password.reveal() },
    }
    if (known) {
      const call = { method: 'PUT', path: `/webhooks/${known.id}`, body: settings } as const
      const changed = await callApi(io, account, call, z.object({}))
      if (changed.kind === 'failed') return changed
      return { kind: 'registered', registration: { webhook_id: known.id }, notes: [] }
    }
    const body = { ...settings, type: 'transactional', channel: 'email' }
    const made = await callApi(io, account, { method: 'POST', path: '/webhooks', body }, webhook)
    if (made.kind === 'failed') return made
    return { kind: 'registered', registration: { webhook_id: made.data.id }, notes: [] }
  },

  unregister: (connection, { webhook_id }, io) =>
    callToRemove(io, accountOf(connection), `/webhooks/${webhook_id}`),
}
