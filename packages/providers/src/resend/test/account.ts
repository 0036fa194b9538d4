import { randomUUID } from 'node:crypto'
import { Webhook } from 'svix'
import { type AccountKind, json, secondsOf } from '../../../test/event-account.ts'
import { fakeWebhooks } from '../../../test/fake-webhooks.ts'

const secret = 'whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz'
const otherSecret = 'whsec_MzIxMDk4NzY1NDMyMTA5ODc2NTQzMjEw'

export const account: AccountKind = {
  connectionTo: (base) => ({ credentials: { api_key: 're_secret' }, settings: { base_url: base } }),
  fake: () =>
    fakeWebhooks({
      path: '/webhooks',
      knows: ({ headers }) => headers.authorization === 'Bearer re_secret',
      urlOf: ({ endpoint }) => endpoint,
      list: (all) => ({
        object: 'list',
        data: all.map(({ id, url }) => ({ id: `wh_${id}`, endpoint: url })),
      }),
      one: ({ id }) => ({ object: 'webhook', id: `wh_${id}`, signing_secret: secret }),
      isWhole: ({ events }) => Array.isArray(events) && events.includes('email.bounced'),
      idOf: (id) => `wh_${id}`,
    }),
  post(_url, event, { wrong, at }) {
    const [id, body] = [`msg_${randomUUID()}`, json(event)]
    const signature = new Webhook(wrong ? otherSecret : secret).sign(id, at, body.toString())
    return {
      headers: { 'svix-id': id, 'svix-timestamp': secondsOf(at), 'svix-signature': signature },
      body,
    }
  },
  secrets: { signing_secret: secret },
  tellsSecretLate: true,
  refusal: [401, { name: 'restricted_api_key', message: 'This API key is restricted to only send emails' }],
  hasTime: true,
  coversBody: true,
}
