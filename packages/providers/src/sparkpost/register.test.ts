import { fakeWebhooks } from '../../test/fake-webhooks.ts'
import { describeRegistration, hookPassword } from '../../test/registration.ts'
import { createSparkpost } from './index.ts'

describeRegistration('sparkpost', {
  create: createSparkpost,
  connectionTo: (port) => ({
    credentials: { api_key: 'secret' },
    settings: { base_url: `http://127.0.0.1:${port}`, subaccount: 12 },
  }),
  secrets: { password: hookPassword },
  refusal: [403, { errors: [{ message: 'permission denied', code: '1100' }] }],
  fake: () =>
    fakeWebhooks({
      path: '/api/v1/webhooks',
      knows: ({ headers }) => headers.authorization === 'secret' && headers['x-msys-subaccount'] === '12',
      urlOf: ({ target }) => target,
      list: (all) => ({ results: all.map(({ id, url }) => ({ id: `w-${id}`, target: url })) }),
      one: ({ id }) => ({ results: { id: `w-${id}` } }),
      isWhole: ({ active, auth_type, auth_credentials }) =>
        active === true &&
        auth_type === 'basic' &&
        JSON.stringify(auth_credentials) ===
          JSON.stringify({ username: 'lettergate', password: hookPassword }),
      idOf: (id) => `w-${id}`,
    }),
})
