import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto'
import { afterEach, describe, expect, test } from 'vitest'
import { type HttpPeer, playHttp, respond } from '../../test/http-peer.ts'
import { createTestIo, failure } from '../../test/io.ts'
import { Secret } from '../lib/secret.ts'
import type { Io } from '../provider.ts'
import { openWithToken } from './io.ts'
import { adviceOn, createTokens, type Grant, privateKey, type TokenResult, withoutToken } from './tokens.ts'

const pem = generateKeyPairSync('rsa', { modulusLength: 2048 })
  .privateKey.export({ type: 'pkcs8', format: 'pem' })
  .toString()
const start = Date.parse('2026-11-20T10:00:00Z')

const cleanups: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})

function refreshGrant(peer: { port: number }, changes: object = {}): Grant {
  return {
    kind: 'refresh_token',
    tokenUrl: `http://127.0.0.1:${peer.port}/token`,
    clientId: 'app-1',
    clientSecret: new Secret('client+secret'),
    refreshToken: new Secret('1//refresh'),
    ...changes,
  }
}

/** A token host that numbers its tokens, and a clock that a test moves. */
async function play(answer = numbered(3600)): Promise<{ peer: HttpPeer; io: Io; at(seconds: number): void }> {
  const peer = await playHttp(answer)
  const io = createTestIo()
  cleanups.push(io.close, peer.close)
  let now = start
  const at = (seconds: number) => {
    now = start + seconds * 1000
  }
  return { peer, io: { ...io, now: () => new Date(now) }, at }
}

function numbered(expiresIn: unknown) {
  let count = 0
  return (...[response, exchange]: Parameters<ReturnType<typeof respond>>) =>
    respond(200, JSON.stringify({ access_token: `token-${++count}`, expires_in: expiresIn }))(
      response,
      exchange,
    )
}

function tokenOf(result: TokenResult): string | undefined {
  return 'token' in result ? result.token.reveal() : undefined
}

describe('the request', () => {
  test('a refresh token, with and without the secret of a client', async () => {
    const { peer, io } = await play()
    await createTokens().get('con_1', refreshGrant(peer), io)
    await createTokens().get('con_1', refreshGrant(peer, { clientSecret: undefined, scope: 'a b' }), io)
    expect(peer.got[0]).toMatchObject({
      method: 'POST',
      path: '/token',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: 'grant_type=refresh_token&client_id=app-1&client_secret=client%2Bsecret&refresh_token=1%2F%2Frefresh',
    })
    expect(peer.got[1]?.body).toBe(
      'grant_type=refresh_token&client_id=app-1&refresh_token=1%2F%2Frefresh&scope=a+b',
    )
  })

  test('an application with its own identity', async () => {
    const { peer, io } = await play()
    const tokenUrl = `http://127.0.0.1:${peer.port}/t`
    const clientSecret = new Secret('s')
    const scope = 'https://graph.microsoft.com/.default'
    await createTokens().get(
      'k',
      { kind: 'client_credentials', tokenUrl, clientId: 'a', clientSecret, scope },
      io,
    )
    expect(Object.fromEntries(new URLSearchParams(peer.got[0]?.body))).toEqual({
      grant_type: 'client_credentials',
      client_id: 'a',
      client_secret: 's',
      scope,
    })
  })

  test('a service account signs a claim that its public key verifies', async () => {
    const { peer, io } = await play()
    const tokenUrl = `http://127.0.0.1:${peer.port}/t`
    const grant = {
      kind: 'service_account',
      tokenUrl,
      clientEmail: 'bot@p.iam.gserviceaccount.com',
      privateKey: privateKey.parse(pem),
      subject: 'writer@example.com',
      scope: 'x',
    } as const
    await createTokens().get('k', grant, io)
    const fields = new URLSearchParams(peer.got[0]?.body)
    expect(fields.get('grant_type')).toBe('urn:ietf:params:oauth:grant-type:jwt-bearer')
    const [head = '', claims = '', signature = ''] = fields.get('assertion')?.split('.') ?? []
    const read = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString())
    expect(read(head)).toEqual({ alg: 'RS256', typ: 'JWT' })
    expect(read(claims)).toEqual({
      iss: 'bot@p.iam.gserviceaccount.com',
      sub: 'writer@example.com',
      scope: 'x',
      aud: tokenUrl,
      iat: start / 1000,
      exp: start / 1000 + 3600,
    })
    const isValid = verify(
      'RSA-SHA256',
      Buffer.from(`${head}.${claims}`),
      createPublicKey(pem),
      Buffer.from(signature, 'base64url'),
    )
    expect(isValid).toBe(true)
  })
})

describe('the cache of tokens', () => {
  test('one request serves all concurrent and later callers', async () => {
    const { peer, io } = await play()
    const tokens = createTokens()
    const got = await Promise.all([1, 2, 3].map(() => tokens.get('k', refreshGrant(peer), io)))
    got.push(await tokens.get('k', refreshGrant(peer), io))
    expect(got.map(tokenOf)).toEqual(['token-1', 'token-1', 'token-1', 'token-1'])
    expect(peer.got).toHaveLength(1)
  })

  test.each([
    [3600, 3539, 3541],
    ['3600', 3539, 3541],
    [60, 29, 31],
    [undefined, 239, 241],
    ['soon', 239, 241],
    [-5, 239, 241],
  ])(
    'a token that lives %s s is used after %d s, and requested again after %d s',
    async (life, good, over) => {
      const { peer, io, at } = await play(numbered(life))
      const tokens = createTokens()
      await tokens.get('k', refreshGrant(peer), io)
      at(good)
      expect(tokenOf(await tokens.get('k', refreshGrant(peer), io))).toBe('token-1')
      at(over)
      expect(tokenOf(await tokens.get('k', refreshGrant(peer), io))).toBe('token-2')
    },
  )

  test('other credentials with the same key, and other keys, get their own token', async () => {
    const { peer, io } = await play()
    const tokens = createTokens()
    const rotated = refreshGrant(peer, { refreshToken: new Secret('other') })
    await tokens.get('k', refreshGrant(peer), io)
    expect(tokenOf(await tokens.get('k', rotated, io))).toBe('token-2')
    expect(tokenOf(await tokens.get('l', rotated, io))).toBe('token-3')
    const both = await Promise.all([refreshGrant(peer), rotated].map((grant) => tokens.get('m', grant, io)))
    expect(new Set(both.map(tokenOf)).size).toBe(2)
  })

  test('a dropped token is requested again; a newer token than the named one stays', async () => {
    const { peer, io } = await play()
    const tokens = createTokens()
    const first = await tokens.get('k', refreshGrant(peer), io)
    tokens.drop('k')
    expect(tokenOf(await tokens.get('k', refreshGrant(peer), io))).toBe('token-2')
    if ('token' in first) tokens.drop('k', first.token)
    expect(tokenOf(await tokens.get('k', refreshGrant(peer), io))).toBe('token-2')
  })

  test('the least used token is removed beyond the maximum', async () => {
    const { peer, io } = await play()
    const tokens = createTokens(2)
    for (const key of ['a', 'b', 'a', 'c', 'a']) await tokens.get(key, refreshGrant(peer), io)
    expect(peer.got).toHaveLength(3)
    await tokens.get('b', refreshGrant(peer), io)
    expect(peer.got).toHaveLength(4)
  })

  test('a failure is not cached', async () => {
    let count = 0
    const { peer, io } = await play((response, exchange) =>
      (count++ === 0 ? respond(503, '') : numbered(3600))(response, exchange),
    )
    const tokens = createTokens()
    expect(await tokens.get('k', refreshGrant(peer), io)).toHaveProperty('failure')
    expect(tokenOf(await tokens.get('k', refreshGrant(peer), io))).toBe('token-1')
  })
})

describe('the reason for a missing token', () => {
  test.each([
    [
      400,
      'invalid_grant',
      'Token has been expired or revoked.',
      'provider-credentials-refused',
      /consent again/,
    ],
    [401, 'invalid_client', 'Unauthorized', 'provider-credentials-refused', /client secret/],
    [
      401,
      'invalid_client',
      'AADSTS7000215: Invalid client secret provided.',
      'provider-credentials-refused',
      /not its id/,
    ],
    [
      401,
      'invalid_client',
      'AADSTS7000222: The provided client secret keys are expired.',
      'provider-credentials-refused',
      /expired/,
    ],
    [
      400,
      'unauthorized_client',
      'AADSTS700016: Application was not found',
      'provider-credentials-refused',
      /tenant id/,
    ],
    [401, 'unauthorized_client', 'Client is unauthorized', 'provider-credentials-refused', /delegation/],
    [400, 'invalid_grant', 'AADSTS65001: has not consented', 'provider-credentials-refused', /administrator/],
    [400, 'interaction_required', 'AADSTS50079', 'provider-credentials-refused', /^$/],
    [403, 'access_denied', '', 'provider-credentials-refused', /^$/],
    [
      400,
      'invalid_grant',
      'Invalid JWT: check your iat and exp values',
      'provider-credentials-refused',
      /clock/,
    ],
    [400, 'invalid_request', 'AADSTS90002: Tenant not found', 'provider-settings-wrong', /tenant id/],
    [400, 'invalid_scope', '', 'provider-permission-missing', /^$/],
    [400, 'invalid_request', '', 'provider-settings-wrong', /^$/],
    [404, '', '', 'provider-settings-wrong', /^$/],
    [302, '', '', 'provider-settings-wrong', /^$/],
    [429, '', '', 'provider-rate-limited', /^$/],
    [400, 'invalid_grant', 'AADSTS50196: loop', 'provider-rate-limited', /^$/],
    [400, 'temporarily_unavailable', '', 'provider-unavailable', /^$/],
    [400, 'invalid_request', 'AADSTS90033: transient', 'provider-unavailable', /^$/],
    [500, '', '', 'provider-unavailable', /^$/],
    [503, 'invalid_grant', '', 'provider-unavailable', /^$/],
  ])('%d %s %s is %s', async (status, error, description, code, advice) => {
    const body = JSON.stringify({ error, error_description: description })
    const { peer, io } = await play(respond(status, body, { 'retry-after': '7' }))
    const result = await createTokens().get('k', refreshGrant(peer), io)
    const reason = ['token host:', status, error, description].filter(Boolean).join(' ')
    expect(result).toEqual({ failure: { code, reason, waitMs: 7000 } })
    if ('failure' in result) expect(adviceOn(result.failure).join(' ')).toMatch(advice)
  })

  test.each(['', '{', '[]', '{"access_token":5}', '{"access_token":""}', '{"access_token":"a\\r\\nb"}'])(
    'a success with the body %s gives no token, and does no harm',
    async (body) => {
      const { peer, io } = await play(respond(200, body))
      expect(await createTokens().get('k', refreshGrant(peer), io)).toMatchObject({
        failure: { code: 'provider-unavailable' },
      })
    },
  )

  test.each([
    [failure('reset', true), 'provider-unreachable'],
    [failure('refused', false), 'provider-unreachable'],
    [failure('not public', false, true), 'provider-egress-refused'],
  ])('a request without an answer (%s) is safe: %s', async (error, code) => {
    const io = { ...createTestIo(), request: () => Promise.reject(error) }
    const result = await createTokens().get('k', refreshGrant({ port: 1 }), io)
    expect(result).toEqual({ failure: { code, reason: `token host: ${error.reason}` } })
  })

  test('our own error is thrown to all callers, and the next call requests again', async () => {
    const { peer, io } = await play()
    const broken = { ...io, request: () => Promise.reject(new TypeError('bug')) }
    const tokens = createTokens()
    const both = await Promise.allSettled([1, 2].map(() => tokens.get('k', refreshGrant(peer), broken)))
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(tokenOf(await tokens.get('k', refreshGrant(peer), io))).toBe('token-1')
  })
})

describe('secrets stay secret', () => {
  test('a token host that repeats the request shows no secret', async () => {
    const { peer, io } = await play((response, exchange) => {
      const fields = new URLSearchParams(exchange.body)
      const said = ['client_secret', 'refresh_token', 'assertion'].map((name) => fields.get(name)).join(' ')
      respond(400, JSON.stringify({ error: 'invalid_grant', error_description: said }))(response, exchange)
    })
    const tokenUrl = `http://127.0.0.1:${peer.port}/t`
    const key = privateKey.parse(pem)
    const subject = 'writer@example.com'
    const account = {
      kind: 'service_account',
      tokenUrl,
      clientEmail: 'a@b',
      privateKey: key,
      subject,
      scope: 'x',
    } as const
    for (const grant of [refreshGrant(peer), account]) {
      const result = await createTokens().get('k', grant, io)
      const reason = 'failure' in result ? result.failure.reason : ''
      expect(reason).toContain('***')
      expect(reason).not.toMatch(/client\+secret|refresh$|eyJ/)
    }
  })

  test.each([
    ['whole', (token: string) => `Bearer ${token}.`],
    ['cut at its end', (token: string) => `bad token ${token.slice(0, 80)}`],
    ['its middle', (token: string) => `token="…${token.slice(40, 90)}"`],
    ['glued to a word', (token: string) => `access_token.${token.slice(0, 50)}`],
  ])('a token in the answer of an API is not shown: %s', (_what, say) => {
    const value = `ya29.a0${'AfH6SMBx-9_'.repeat(12)}`
    const text = withoutToken(say(value), new Secret(value))
    expect(text).toContain('***')
    expect(text).not.toContain('AfH6SMBx')
  })
})

describe('requests with a token', () => {
  /** An API that takes the tokens it is given, and repeats others in its refusal. */
  async function openTo(good: string[], afterwards?: Parameters<typeof playHttp>[0]) {
    const first = numbered(3600)
    let isFirst = true
    const tokenHost: typeof first = (response, exchange) => {
      if (isFirst || afterwards === undefined) first(response, exchange)
      else afterwards(response, exchange)
      isFirst = false
    }
    const { peer, io } = await play((response, exchange) => {
      if (exchange.path === '/token') return tokenHost(response, exchange)
      const token = exchange.headers.authorization?.replace('Bearer ', '') ?? ''
      respond(good.includes(token) ? 200 : 401, `bad ${token.padEnd(20, '.')}`)(response, exchange)
    })
    const tokens = createTokens()
    const login = { tokens, key: 'k', grant: refreshGrant(peer) }
    const opened = await openWithToken(login, io)
    if ('failure' in opened) throw new Error('no token')
    const ask = () =>
      opened.io.request({ method: 'GET', url: `http://127.0.0.1:${peer.port}/api`, headers: { Accept: 'x' } })
    return { ask, peer }
  }

  test('have the token and their own fields', async () => {
    const { ask, peer } = await openTo(['token-1'])
    expect((await ask()).status).toBe(200)
    expect(peer.got[1]?.headers).toMatchObject({ authorization: 'Bearer token-1', accept: 'x' })
  })

  test('are repeated once with another token after a 401', async () => {
    const { ask, peer } = await openTo(['token-2'])
    expect((await ask()).status).toBe(200)
    expect((await ask()).status).toBe(200)
    expect(peer.got.map(({ path }) => path)).toEqual(['/token', '/api', '/token', '/api', '/api'])
  })

  test.each([
    [respond(400, '{"error":"invalid_grant"}'), 401],
    [respond(503, ''), { reason: 'token host: 503', bodySent: false, refused: false }],
  ])('after a 401 without another token are refused, or not sent (%#)', async (tokenHost, ended) => {
    const { ask } = await openTo([], tokenHost)
    const how = ask().then(({ status }) => status)
    if (typeof ended === 'number') expect(await how).toBe(ended)
    else await expect(how).rejects.toMatchObject(ended)
  })

  test('end with the second 401', async () => {
    const { ask, peer } = await openTo([])
    expect((await ask()).status).toBe(401)
    expect(peer.got).toHaveLength(4)
  })
})
