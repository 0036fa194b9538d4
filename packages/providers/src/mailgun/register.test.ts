import { fakeMailgun } from '../../test/fake-mailgun.ts'
import { describeRegistration } from '../../test/registration.ts'
import { createMailgun } from './index.ts'

const key = 'key-of-webhooks-0'

describeRegistration('mailgun', {
  create: createMailgun,
  connectionTo: (port) => ({
    credentials: { api_key: 'key-123' },
    settings: { domain: 'mg.example.com', base_url: `http://127.0.0.1:${port}` },
  }),
  secrets: { signing_key: key },
  refusal: [403, { message: 'permission denied' }],
  fake: () => fakeMailgun(key),
})
