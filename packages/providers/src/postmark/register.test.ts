import { fakeWebhooks } from '../../test/fake-webhooks.ts'
import { describeRegistration, hookPassword } from '../../test/registration.ts'
import { createPostmark } from './index.ts'

describeRegistration('postmark', {
  create: createPostmark,
  connectionTo: (port) => ({
    credentials: { server_token: 'secret' },
    settings: { base_url: `http://127.0.0.1:${port}`, message_stream: 'news' },
  }),
  secrets: { password: hookPassword },
  refusal: [403, { ErrorCode: 0, Message: 'access denied' }],
  fake: () =>
    fakeWebhooks({
      path: '/webhooks',
      knows: ({ headers }) => headers['x-postmark-server-token'] === 'secret',
      urlOf: ({ Url }) => Url,
      list: (all) => ({ Webhooks: all.map(({ id, url }) => ({ ID: id, Url: url })) }),
      one: ({ id, url }) => ({ ID: id, Url: url }),
      isWhole: ({ HttpAuth, Triggers }) =>
        JSON.stringify(HttpAuth) === JSON.stringify({ Username: 'lettergate', Password: hookPassword }) &&
        (JSON.stringify(Triggers) ?? '').includes('"Bounce":{"Enabled":true'),
    }),
})
