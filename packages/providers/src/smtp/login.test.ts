import { generateKeyPairSync } from 'node:crypto'
import { afterEach, describe, expect, test } from 'vitest'
import { type HttpPeer, playHttp, respond } from '../../test/http-peer.ts'
import { buildOutboundMessage, createTestIo } from '../../test/io.ts'
import { playSmtp, type Script } from '../../test/smtp-peer.ts'
import { withoutSecrets } from '../lib/redact.ts'
import { createSmtp } from './index.ts'

const cleanups: (() => Promise<void> | undefined)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})

const app = { client_id: 'app', client_secret: 'app-secret' }
const user = { ...app, refresh_token: 'refresh-1' }

/** A mail server that wants XOAUTH2, and a token host that gives out `token-1`, `token-2`, … */
async function start(options: {
  oauth2: object
  settings?: object
  auth?: Script['auth']
  answer?: Parameters<typeof playHttp>[0]
}) {
  let tokens = 0
  const tokenHost = await playHttp(
    options.answer ??
      ((response, exchange) =>
        respond(200, `{"access_token":"token-${++tokens}","expires_in":3600}`)(response, exchange)),
  )
  const script: Script = { ehlo: ['AUTH XOAUTH2'], ...(options.auth && { auth: options.auth }) }
  const peer = await playSmtp(script)
  const smtp = createSmtp()
  const io = createTestIo()
  cleanups.push(
    () => smtp.close?.(),
    () => io.close(),
    () => peer.close(),
    () => tokenHost.close(),
  )
  const settings = {
    host: '127.0.0.1',
    port: peer.port,
    tls: 'none',
    allow_insecure: true,
    max_connections: 1,
    token_url: `http://127.0.0.1:${tokenHost.port}/token`,
    ...options.settings,
  }
  const connection = {
    id: 'con_1',
    credentials: smtp.credentials.parse({ username: 'me@example.com', oauth2: options.oauth2 }),
    settings: smtp.settings.parse(settings),
  }
  const send = () => smtp.send(buildOutboundMessage(), connection, io)
  return { send, check: () => smtp.check(connection, io), peer, script, tokenHost, connection, io, smtp }
}

const asked = ({ got }: HttpPeer) => got.map(({ body }) => Object.fromEntries(new URLSearchParams(body)))
const initial = (token: string) =>
  `AUTH XOAUTH2 ${Buffer.from(`user=me@example.com\x01auth=Bearer ${token}\x01\x01`).toString('base64')}`

describe('XOAUTH2', () => {
  test('the refresh token gives one access token for many messages, which logs in', async () => {
    const { send, peer, tokenHost } = await start({ oauth2: user, settings: { preset: 'gmail' } })
    const outcomes = await Promise.all(Array.from({ length: 60 }, send))
    expect(new Set(outcomes.map(({ kind }) => kind))).toEqual(new Set(['accepted']))
    expect(peer.commands.filter((line) => line.startsWith('AUTH'))).toEqual([initial('token-1')])
    expect(asked(tokenHost)).toEqual([{ grant_type: 'refresh_token', ...user }])
    expect(peer.connections()).toBe(1)
  })

  test('Microsoft: the scope of a user, and that of an application', async () => {
    const settings = { preset: 'microsoft365' }
    const one = await start({ oauth2: user, settings })
    await one.send()
    expect(asked(one.tokenHost)[0]).toMatchObject({
      scope: 'https://outlook.office.com/SMTP.Send offline_access',
    })
    const other = await start({ oauth2: { ...app, tenant: 'contoso.example' }, settings })
    await other.send()
    expect(asked(other.tokenHost)[0]).toEqual({
      grant_type: 'client_credentials',
      ...app,
      scope: 'https://outlook.office365.com/.default',
    })
  })

  test('Microsoft: the tenant is part of the address', async () => {
    const urls: string[] = []
    for (const oauth2 of [{ ...app, tenant: 'contoso.example' }, user, app]) {
      const { smtp, connection, io } = await start({ oauth2 })
      const { token_url: _, ...settings } = connection.settings
      const request = (asking: Parameters<typeof io.request>[0]) => {
        urls.push(asking.url)
        return Promise.resolve({ status: 200, headers: {}, body: Buffer.from('{"access_token":"t"}') })
      }
      const used = { ...connection, settings: { ...settings, preset: 'microsoft365' as const } }
      const outcome = await smtp.send(buildOutboundMessage(), used, { ...io, request })
      expect(outcome.kind).toBe(oauth2 === app ? 'rejected' : 'accepted')
    }
    expect(urls).toEqual([
      'https://login.microsoftonline.com/contoso.example/oauth2/v2.0/token',
      'https://login.microsoftonline.com/common/oauth2/v2.0/token',
    ])
  })

  test('Google: a service account acts for the mailbox in username', async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const private_key = privateKey.export({ type: 'pkcs8', format: 'pem' })
    const { send, tokenHost } = await start({
      oauth2: { client_email: 'robot@project.example.com', private_key },
      settings: { preset: 'gmail' },
    })
    expect(await send()).toMatchObject({ kind: 'accepted' })
    const [, claims = ''] = asked(tokenHost)[0]?.assertion?.split('.') ?? []
    expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).toMatchObject({
      iss: 'robot@project.example.com',
      sub: 'me@example.com',
      scope: 'https://mail.google.com/',
    })
  })

  test('a refused token is dropped, and the next attempt requests a new one', async () => {
    const { send, peer, script, tokenHost } = await start({
      oauth2: user,
      auth: '535 5.7.8 Username and Password not accepted',
    })
    expect(await send()).toMatchObject({ kind: 'rejected', code: 'provider-credentials-refused' })
    script.auth = '235 2.7.0 ok'
    expect(await send()).toMatchObject({ kind: 'accepted' })
    expect(tokenHost.got).toHaveLength(2)
    expect(peer.commands.filter((line) => line.startsWith('AUTH'))).toEqual([
      initial('token-1'),
      initial('token-2'),
    ])
  })

  test('the challenge of a refusal is answered by an empty line', async () => {
    const { send, peer, script } = await start({ oauth2: user, auth: '334 eyJzdGF0dXMiOiI0MDAifQ==' })
    script.other = (line) => (line === '' ? '535 5.7.8 not accepted' : '250 ok')
    expect(await send()).toMatchObject({
      kind: 'rejected',
      code: 'provider-credentials-refused',
      reason: '535 5.7.8 not accepted',
    })
    expect(peer.commands.filter((line) => line === '')).toHaveLength(1)
  })

  test('neither token nor credentials are in the reason when a server repeats them', async () => {
    const { send, connection } = await start({
      oauth2: user,
      auth: `535 5.7.8 ${initial('token-1')} token-1 refresh-1`,
    })
    const outcome = withoutSecrets(await send(), connection.credentials)
    expect(outcome).toMatchObject({ reason: expect.stringContaining('535 5.7.8') })
    expect(JSON.stringify(outcome)).not.toMatch(/token-1|refresh-1/)
    expect(JSON.stringify(outcome)).not.toContain(
      Buffer.from('Bearer token-1').toString('base64').slice(4, 14),
    )
  })

  test.each(['535 5.7.8 no: token-1', 'token-1 is no token', '334 token-1', `${'x'.repeat(70_000)} token-1`])(
    'no failed login shows a token: %s',
    async (auth) => {
      const { send } = await start({ oauth2: user, auth })
      const outcome = await send()
      expect(outcome.kind).not.toBe('accepted')
      expect(JSON.stringify(outcome)).not.toContain('token-1')
    },
  )

  test('without a token no connection is opened, and the check gives advice', async () => {
    const { send, check, peer } = await start({
      oauth2: user,
      answer: respond(400, '{"error":"invalid_grant","error_description":"Token has been revoked."}'),
    })
    expect(await send()).toMatchObject({ kind: 'rejected', code: 'provider-credentials-refused' })
    const { problem } = await check()
    expect(problem?.advice[0]).toMatch(/consent again/)
    expect(peer.connections()).toBe(0)
  })

  test('a busy token host defers the message for the time that it asks for', async () => {
    const { send } = await start({ oauth2: user, answer: respond(429, '{}', { 'retry-after': '7' }) })
    expect(await send()).toMatchObject({
      kind: 'deferred',
      code: 'provider-rate-limited',
      retryAfterMs: 7000,
    })
  })

  test('without preset and token_url the settings are wrong, because the token host is unknown', async () => {
    const { smtp, connection, io } = await start({ oauth2: user })
    const { token_url: _, ...settings } = connection.settings
    expect(await smtp.send(buildOutboundMessage(), { ...connection, settings }, io)).toMatchObject({
      kind: 'rejected',
      code: 'provider-settings-wrong',
    })
  })
})
