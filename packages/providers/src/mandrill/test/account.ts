import { createHmac } from 'node:crypto'
import { type AccountKind, other } from '../../../test/event-account.ts'
import { fakeMandrill } from './fake.ts'

const key = 'auth-key-of-the-hook'

export const account: AccountKind = {
  connectionTo: (base) => ({ credentials: { api_key: 'md-secret' }, settings: { base_url: base } }),
  fake: () => fakeMandrill(key),
  post(url, event, { wrong }) {
    const events = JSON.stringify([event])
    const signed = createHmac('sha1', other(key, wrong)).update(`${url}mandrill_events${events}`)
    return {
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        'x-mandrill-signature': signed.digest('base64'),
      },
      body: Buffer.from(new URLSearchParams({ mandrill_events: events }).toString()),
    }
  },
  secrets: { auth_key: key },
  tellsSecretLate: true,
  refusal: [401, { status: 'error', code: -1, name: 'Invalid_Key', message: 'Invalid API key' }],
  refusesAsWrongKey: true,
  coversBody: true,
}
