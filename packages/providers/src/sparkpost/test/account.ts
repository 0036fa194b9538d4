import { type AccountKind, basic, givenFor, json, other } from '../../../test/event-account.ts'
import { fakeWebhooks } from '../../../test/fake-webhooks.ts'

export const account: AccountKind = {
  connectionTo: (base) => ({
    credentials: { api_key: 'secret' },
    settings: { base_url: base, subaccount: 12 },
  }),
  fake: (password) =>
    fakeWebhooks({
      path: '/api/v1/webhooks',
      knows: ({ headers }) => headers.authorization === 'secret' && headers['x-msys-subaccount'] === '12',
      urlOf: ({ target }) => target,
      list: (all) => ({ results: all.map(({ id, url }) => ({ id: `w-${id}`, target: url })) }),
      one: ({ id }) => ({ results: { id: `w-${id}` } }),
      isWhole: ({ active, auth_type, auth_credentials }) =>
        active === true && auth_type === 'basic' && isProof(auth_credentials, password),
      idOf: (id) => `w-${id}`,
    }),
  post(url, event, { wrong }, got) {
    const { username = '', password = '' } = givenFor(got, url).auth_credentials ?? {}
    return { headers: { authorization: basic(username, other(password, wrong)) }, body: json([event]) }
  },
  refusal: [403, { errors: [{ message: 'permission denied', code: '1100' }] }],
}

function isProof(given: unknown, password: string | undefined): boolean {
  return password === undefined
    ? given !== undefined
    : JSON.stringify(given) === JSON.stringify({ username: 'lettergate', password })
}
