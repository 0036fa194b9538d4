import { createHmac, randomUUID } from 'node:crypto'
import { type AccountKind, json, other, secondsOf } from '../../../test/event-account.ts'
import { fakeMailgun } from './fake.ts'

const key = 'key-of-webhooks-0'

export const account: AccountKind = {
  connectionTo: (base) => ({
    credentials: { api_key: 'key-123' },
    settings: { domain: 'mg.example.com', base_url: base },
  }),
  fake: () => fakeMailgun(key),
  post(_url, event, { wrong, at }) {
    const [timestamp, token] = [secondsOf(at), randomUUID()]
    const signature = createHmac('sha256', other(key, wrong))
      .update(timestamp + token)
      .digest('hex')
    return { headers: {}, body: json({ signature: { timestamp, token, signature }, ...Object(event) }) }
  },
  secrets: { signing_key: key },
  refusal: [403, { message: 'permission denied' }],
  hasTime: true,
}
