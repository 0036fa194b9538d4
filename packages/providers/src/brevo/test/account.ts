import { type AccountKind, givenFor, json, other } from '../../../test/event-account.ts'
import { fakeWebhooks } from '../../../test/fake-webhooks.ts'

export const account: AccountKind = {
  connectionTo: (base) => ({ credentials: { api_key: 'secret' }, settings: { base_url: `${base}/v3` } }),
  fake: (password) =>
    fakeWebhooks({
      path: '/v3/webhooks',
      knows: ({ headers }) => headers['api-key'] === 'secret',
      urlOf: ({ url }) => url,
      list: (all) => ({ webhooks: all.map(({ id, url }) => ({ id, url })) }),
      one: ({ id }, isNew) => (isNew ? { id } : ''),
      isWhole: ({ auth, events }) =>
        isProof(auth, password) && Array.isArray(events) && events.includes('hardBounce'),
    }),
  post: (url, event, { wrong }, got) => ({
    headers: { authorization: `Bearer ${other(givenFor(got, url).auth?.token ?? '', wrong)}` },
    body: json(event),
  }),
  refusal: [403, { code: 'permission_denied', message: 'permission denied' }],
}

function isProof(auth: unknown, token: string | undefined): boolean {
  return token === undefined
    ? auth !== undefined
    : JSON.stringify(auth) === JSON.stringify({ type: 'bearer', token })
}
