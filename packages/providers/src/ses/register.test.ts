import { expect, test } from 'vitest'
import { playHttp, respond } from '../../test/http-peer.ts'
import { createTestIo } from '../../test/io.ts'
import { hookUrl } from '../../test/registration.ts'
import { Secret } from '../lib/secret.ts'
import { createIdentities } from './identity.ts'
import { createSes } from './index.ts'
import { registerSes } from './register.ts'
import { account } from './test/account.ts'
import { fakeAws } from './test/fake.ts'

const stored = (port: number) => account.connectionTo(`http://127.0.0.1:${port}`)

test('a connection without a configuration set gets the advice to name one, without a request', async () => {
  const { credentials, settings } = createSes()
  const connection = {
    id: 'con_1',
    credentials: credentials.parse(stored(1).credentials),
    settings: settings.parse({ region: 'eu-west-1' }),
  }
  const io = createTestIo()
  const target = { url: hookUrl, password: new Secret('a-password-of-events-1'), keepSecrets: async () => {} }
  expect(await registerSes(connection, target, createIdentities(), io)).toMatchObject({
    kind: 'failed',
    problem: {
      code: 'provider-settings-wrong',
      advice: [expect.stringContaining('configuration_set'), expect.anything()],
    },
  })
  await io.close()
})

test('a URL of before a rotation is unsubscribed, and the present one keeps its topic', async () => {
  const api = fakeAws()
  const peer = await playHttp((response, exchange) => {
    const [status, body] = api.answer(exchange)
    respond(status, typeof body === 'string' ? body : JSON.stringify(body))(response, exchange)
  })
  const { credentials, settings, events } = createSes()
  const connection = {
    id: 'con_1',
    credentials: credentials.parse(stored(peer.port).credentials),
    settings: settings.parse(stored(peer.port).settings),
  }
  const io = createTestIo()
  const registerAt = (url: string) =>
    events?.register(
      connection,
      { url, password: new Secret('a-password-of-events-1'), keepSecrets: async () => {} },
      io,
    )
  const next = 'https://mail.example.com/v1/hooks/ses/con_1/next'
  const before = await registerAt(hookUrl)
  const after = await registerAt(next)
  if (before?.kind !== 'registered' || after?.kind !== 'registered') throw new Error('not registered')
  expect(api.urls().sort()).toEqual([hookUrl, next].sort())
  for (let times = 0; times < 2; times++) {
    expect(await events?.retire?.(connection, before.registration, io)).toBeNull()
    expect(api.urls()).toEqual([next])
  }
  await io.close()
  await peer.close()
})
