import { describe, expect, test } from 'vitest'
import { fakeWebhooks } from '../../test/fake-webhooks.ts'
import { playHttp, respond } from '../../test/http-peer.ts'
import { createTestIo } from '../../test/io.ts'
import { describeRegistration, hookPassword, hookUrl } from '../../test/registration.ts'
import { Secret } from '../lib/secret.ts'
import { createBrevo } from './index.ts'

const connectionTo = (port: number) => ({
  credentials: { api_key: 'secret' },
  settings: { base_url: `http://127.0.0.1:${port}/v3` },
})

describeRegistration('brevo', {
  create: createBrevo,
  connectionTo,
  secrets: { password: hookPassword },
  refusal: [403, { code: 'permission_denied', message: 'permission denied' }],
  fake: () =>
    fakeWebhooks({
      path: '/v3/webhooks',
      knows: ({ headers }) => headers['api-key'] === 'secret',
      urlOf: ({ url }) => url,
      list: (all) => ({ webhooks: all.map(({ id, url }) => ({ id, url })) }),
      one: ({ id }, isNew) => (isNew ? { id } : ''),
      isWhole: ({ auth, events }) =>
        JSON.stringify(auth) === JSON.stringify({ type: 'bearer', token: hookPassword }) &&
        Array.isArray(events) &&
        events.includes('hardBounce'),
    }),
})

describe('an account without webhooks', () => {
  test('that answers 404 to a list gets its first webhook', async () => {
    const peer = await playHttp((response, exchange) =>
      exchange.method === 'GET'
        ? respond(404, '{"code":"document_not_found","message":"none"}')(response, exchange)
        : respond(201, '{"id":7}')(response, exchange),
    )
    const io = createTestIo()
    const { credentials, settings, events } = createBrevo()
    const stored = connectionTo(peer.port)
    const connection = {
      id: 'con_1',
      credentials: credentials.parse(stored.credentials),
      settings: settings.parse(stored.settings),
    }
    const target = { url: hookUrl, password: new Secret(hookPassword), keepSecrets: async () => {} }
    expect(await events?.register(connection, target, io)).toMatchObject({ registration: { webhook_id: 7 } })
    await io.close()
    await peer.close()
  })
})
