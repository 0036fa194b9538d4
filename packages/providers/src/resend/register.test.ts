import { fakeWebhooks } from '../../test/fake-webhooks.ts'
import { describeRegistration } from '../../test/registration.ts'
import { createResend } from './index.ts'

const secret = 'whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz'

describeRegistration('resend', {
  create: createResend,
  connectionTo: (port) => ({
    credentials: { api_key: 're_secret' },
    settings: { base_url: `http://127.0.0.1:${port}` },
  }),
  secrets: { signing_secret: secret },
  tellsSecretLate: true,
  refusal: [401, { name: 'restricted_api_key', message: 'This API key is restricted to only send emails' }],
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
})
