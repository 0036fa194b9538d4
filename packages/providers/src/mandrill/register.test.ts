import { fakeMandrill } from '../../test/fake-mandrill.ts'
import { describeRegistration } from '../../test/registration.ts'
import { createMandrill } from './index.ts'

const key = 'auth-key-of-the-hook'

describeRegistration('mandrill', {
  create: createMandrill,
  connectionTo: (port) => ({
    credentials: { api_key: 'md-secret' },
    settings: { base_url: `http://127.0.0.1:${port}` },
  }),
  secrets: { auth_key: key },
  tellsSecretLate: true,
  refusal: [401, { status: 'error', code: -1, name: 'Invalid_Key', message: 'Invalid API key' }],
  refusedAs: 'provider-credentials-refused',
  fake: () => fakeMandrill(key),
})
