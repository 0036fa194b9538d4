import { afterEach, describe, expect, test } from 'vitest'
import { playHttp, respond } from '../../test/http-peer.ts'
import { buildOutboundMessage, createTestIo } from '../../test/io.ts'
import { playSmtp, type Script } from '../../test/smtp-peer.ts'
import { createGmail } from '../gmail/index.ts'
import { Secret } from '../lib/secret.ts'
import { createMicrosoft365 } from '../microsoft365/index.ts'
import type { Provider } from '../provider.ts'
import { createSmtp } from '../smtp/index.ts'
import { createTokens, type Grant } from './tokens.ts'

const cleanups: (() => Promise<unknown> | undefined)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})

/** A token host that answers each request with a new refresh token, or with the answer of the test; and accepts mail. */
async function play(refreshToken?: unknown) {
  let count = 1
  const peer = await playHttp((response, exchange) => {
    if (!exchange.path.endsWith('/token'))
      return respond(exchange.path.endsWith('/send') ? 202 : 201, '{"id":"1"}')(response, exchange)
    count++
    const refresh_token = refreshToken === undefined ? `refresh-${count}` : refreshToken
    const body = { access_token: `access-${count}`, expires_in: 3600, refresh_token }
    respond(200, JSON.stringify(body))(response, exchange)
  })
  const test = createTestIo()
  cleanups.push(test.close, peer.close)
  const told: [string, string][] = []
  let nowMs = test.now().getTime()
  const io = {
    ...test,
    now: () => new Date(nowMs),
    replaceSecret: (old: Secret, fresh: Secret) => void told.push([old.reveal(), fresh.reveal()]),
  }
  const grantOf = (token: string, since?: string): Grant => ({
    kind: 'refresh_token',
    tokenUrl: `http://127.0.0.1:${peer.port}/token`,
    clientId: 'app-1',
    refreshToken: new Secret(token),
    since,
  })
  return {
    peer,
    io,
    told,
    grantOf,
    anHourLater: () => {
      nowMs += 3_600_000
    },
    /** The refresh tokens of the requests. */
    used: () =>
      peer.got
        .filter(({ path }) => path.endsWith('/token'))
        .map(({ body }) => new URLSearchParams(body).get('refresh_token')),
  }
}

describe('a replaced refresh token', () => {
  test('is reported with the old token, once for all concurrent callers', async () => {
    const { io, told, grantOf } = await play()
    const tokens = createTokens()
    await Promise.all([1, 2, 3].map(() => tokens.get('k', grantOf('refresh-1'), io)))
    await tokens.get('k', grantOf('refresh-1'), io)
    expect(told).toEqual([['refresh-1', 'refresh-2']])
  })

  test.each([
    ['that it was asked by', 'refresh-1'],
    ['that is none', null],
    ['that is empty', ''],
    ['that is no text', 5],
    ['that breaks the line', 'a\r\nb'],
    ['that is longer than credentials may be', 'x'.repeat(5_000)],
  ])('is not reported when the answer names one %s; the access token is used', async (_what, answered) => {
    const { io, told, grantOf, peer } = await play(answered)
    const got = await createTokens().get('k', grantOf('refresh-1'), io)
    expect('token' in got && got.token.reveal()).toBe('access-2')
    expect(told).toEqual([])
    expect(peer.got).toHaveLength(1)
  })

  test('is not reported for an application without a refresh token', async () => {
    const { io, told, peer } = await play()
    const tokenUrl = `http://127.0.0.1:${peer.port}/token`
    const clientSecret = new Secret('s')
    const grant = { kind: 'client_credentials', tokenUrl, clientId: 'a', clientSecret, scope: 'x' } as const
    await createTokens().get('k', grant, io)
    expect(told).toEqual([])
  })

  test('keeps the access token, unless a person stored other credentials', async () => {
    const { io, grantOf, used } = await play()
    const tokens = createTokens()
    await tokens.get('k', grantOf('refresh-1', 'monday'), io)
    await tokens.get('k', grantOf('refresh-2', 'monday'), io)
    expect(used()).toEqual(['refresh-1'])
    await tokens.get('k', grantOf('refresh-2', 'tuesday'), io)
    await tokens.get('k', grantOf('refresh-3'), io)
    expect(used()).toEqual(['refresh-1', 'refresh-2', 'refresh-3'])
  })
})

type Case = { create(): Provider; credentials(token: string): object; settings(port: number): object }

const google = { client_id: 'app-1', client_secret: 'secret-1' }
const cases: [string, Case][] = [
  [
    'microsoft365',
    {
      create: createMicrosoft365,
      credentials: (refresh_token) => ({ client_id: 'app-1', refresh_token }),
      settings: (port) => ({
        tenant: 'contoso.example',
        user: 'writer@example.com',
        base_url: `http://127.0.0.1:${port}`,
        login_url: `http://127.0.0.1:${port}`,
      }),
    },
  ],
  [
    'gmail',
    {
      create: createGmail,
      credentials: (refresh_token) => ({ ...google, refresh_token }),
      settings: (port) => ({
        user: 'writer@example.com',
        base_url: `http://127.0.0.1:${port}`,
        token_url: `http://127.0.0.1:${port}/token`,
      }),
    },
  ],
]

describe('a provider whose token host replaces refresh tokens', () => {
  /** Calls it with these credentials, as those that a person stored at one time. */
  async function start({ create, credentials, settings }: Case) {
    const host = await play()
    const provider = create()
    cleanups.unshift(() => provider.close?.())
    const connection = (token: string) => ({
      id: 'con_1',
      credentials: provider.credentials.parse(credentials(token)),
      settings: provider.settings.parse(settings(host.peer.port)),
      credentialsSince: 'monday',
    })
    return {
      ...host,
      send: (token: string) => provider.send(buildOutboundMessage(), connection(token), host.io),
      check: (token: string) => provider.check(connection(token), host.io),
    }
  }

  test.each(cases)('%s reports the new one, and uses it for the next token', async (_id, one) => {
    const { send, told, used, anHourLater } = await start(one)
    await send('refresh-1')
    expect(told).toEqual([['refresh-1', 'refresh-2']])
    await send('refresh-2')
    expect(used()).toEqual(['refresh-1'])
    anHourLater()
    expect(await send('refresh-2')).toMatchObject({ kind: 'accepted' })
    expect(used()).toEqual(['refresh-1', 'refresh-2'])
  })

  test.each(cases)('%s reports the one that a check received', async (_id, one) => {
    const { check, told } = await start(one)
    await check('refresh-1')
    expect(told).toEqual([['refresh-1', 'refresh-2']])
  })

  test('smtp reports it, keeps its session, and uses it at the next login', async () => {
    const script: Script = { ehlo: ['AUTH XOAUTH2'] }
    const server = await playSmtp(script)
    cleanups.push(() => server.close())
    const { send, told, used, anHourLater } = await start({
      create: createSmtp,
      credentials: (refresh_token) => ({
        username: 'me@example.com',
        oauth2: { client_id: 'app-1', refresh_token },
      }),
      settings: (port) => ({
        host: '127.0.0.1',
        port: server.port,
        tls: 'none',
        allow_insecure: true,
        max_connections: 1,
        token_url: `http://127.0.0.1:${port}/token`,
      }),
    })
    await send('refresh-1')
    expect(told).toEqual([['refresh-1', 'refresh-2']])
    script.message = (socket) => void socket.end('250 2.0.0 Ok: queued as 4F2A1C\r\n')
    await send('refresh-2')
    expect(server.connections()).toBe(1)
    anHourLater()
    expect(await send('refresh-2')).toMatchObject({ kind: 'accepted' })
    expect(used()).toEqual(['refresh-1', 'refresh-2'])
    expect(server.connections()).toBe(2)
  })
})
