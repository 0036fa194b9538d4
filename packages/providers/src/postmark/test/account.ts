import { type AccountKind, basic, givenFor, json, other } from '../../../test/event-account.ts'
import { fakeWebhooks } from '../../../test/fake-webhooks.ts'

export const account: AccountKind = {
  connectionTo: (base) => ({
    credentials: { server_token: 'secret' },
    settings: { base_url: base, message_stream: 'news' },
  }),
  fake: (password) =>
    fakeWebhooks({
      path: '/webhooks',
      knows: ({ headers }) => headers['x-postmark-server-token'] === 'secret',
      urlOf: ({ Url }) => Url,
      list: (all) => ({ Webhooks: all.map(({ id, url }) => ({ ID: id, Url: url })) }),
      one: ({ id, url }) => ({ ID: id, Url: url }),
      isWhole: ({ HttpAuth, Triggers }) =>
        isProof(HttpAuth, password) && (JSON.stringify(Triggers) ?? '').includes('"Bounce":{"Enabled":true'),
    }),
  post(url, event, { wrong }, got) {
    const { Username = '', Password = '' } = givenFor(got, url).HttpAuth ?? {}
    return { headers: { authorization: basic(Username, other(Password, wrong)) }, body: json(event) }
  },
  refusal: [403, { ErrorCode: 0, Message: 'access denied' }],
}

function isProof(auth: unknown, Password: string | undefined): boolean {
  return Password === undefined
    ? auth !== undefined
    : JSON.stringify(auth) === JSON.stringify({ Username: 'lettergate', Password })
}
