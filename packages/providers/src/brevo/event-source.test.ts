import { expect, test } from 'vitest'
import { playHttp, respond } from '../../test/http-peer.ts'
import { createTestIo } from '../../test/io.ts'
import { hookPassword, hookUrl } from '../../test/registration.ts'
import { Secret } from '../lib/secret.ts'
import { createBrevo } from './index.ts'
import { account } from './test/account.ts'

test('an account without webhooks that answers 404 to a list gets its first webhook', async () => {
  const peer = await playHttp((response, exchange) =>
    exchange.method === 'GET'
      ? respond(404, '{"code":"document_not_found","message":"none"}')(response, exchange)
      : respond(201, '{"id":7}')(response, exchange),
  )
  const io = createTestIo()
  const { credentials, settings, events } = createBrevo()
  const stored = account.connectionTo(`http://127.0.0.1:${peer.port}`)
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
