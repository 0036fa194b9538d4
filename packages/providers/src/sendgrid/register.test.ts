import { fakeSendgrid } from '../../test/fake-sendgrid.ts'
import { describeRegistration } from '../../test/registration.ts'
import { createSendgrid } from './index.ts'

const key = 'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE'

describeRegistration('sendgrid', {
  create: createSendgrid,
  connectionTo: (port) => ({
    credentials: { api_key: 'SG.secret' },
    settings: { base_url: `http://127.0.0.1:${port}` },
  }),
  secrets: { public_key: key },
  refusal: [403, { errors: [{ field: null, message: 'access forbidden' }] }],
  fake: () => fakeSendgrid(key),
})
