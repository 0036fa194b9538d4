import { z } from 'zod'
import { callApi, callToRemove } from '../lib/call-api.ts'
import { hookUser, type PasswordSecrets, passwordSecrets, verifyPassword } from '../lib/hook-checks.ts'
import { kindsBut } from '../lib/provider-event.ts'
import type { EventSource } from '../provider.ts'
import { accountOf, type Credentials, type Settings } from './account.ts'
import { parsePostmark } from './events.ts'

const registration = z.strictObject({ webhook_id: z.int().nonnegative() })
const webhook = z.object({ ID: z.number() })
const list = z.object({ Webhooks: z.array(webhook.extend({ Url: z.string() })) })

/** Postmark's webhooks of a message stream, which are not signed: https://postmarkapp.com/developer/api/webhooks-api */
export const postmarkEvents: EventSource<
  Credentials,
  Settings,
  PasswordSecrets,
  z.output<typeof registration>
> = {
  kinds: kindsBut('accepted', 'sent'),
  proof: 'password',
  bodyBytesMax: 1_000_000,
  secrets: passwordSecrets,
  registration,
  verify: verifyPassword,
  parse: ({ body }, receivedAt) => [parsePostmark(body, receivedAt)],
  steps: ({ url, password }) => [
    `In Postmark, open the server, its message stream, Webhooks, Add webhook, and enter the URL ${url}.`,
    `Enter the basic auth user ${hookUser} and the password ${password.reveal()}.`,
    'Choose all events, without the content of bounced messages, and all opens.',
  ],

  async register(connection, target, io) {
    const account = accountOf(connection)
    const stream = connection.settings.message_stream ?? 'outbound'
    const path = `/webhooks?MessageStream=${stream}`
    const listed = await callApi(io, account, { method: 'GET', path }, list)
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
    const made = known
      ? await callApi(io, account, { method: 'PUT', path: `/webhooks/${known.ID}`, body: settings }, webhook)
      : await callApi(
          io,
          account,
          { method: 'POST', path: '/webhooks', body: { ...settings, MessageStream: stream } },
          webhook,
        )
    if (made.kind === 'failed') return made
    return { kind: 'registered', registration: { webhook_id: made.data.ID }, notes: [] }
  },

  async unregister(connection, { webhook_id }, io) {
    const account = accountOf(connection)
    const listed = await callApi(io, account, { method: 'GET', path: '/webhooks' }, list)
    if (listed.kind === 'failed') return listed.problem
    const isThere = listed.data.Webhooks.some(({ ID }) => ID === webhook_id)
    return isThere ? callToRemove(io, account, `/webhooks/${webhook_id}`) : null
  },
}
