import { afterEach, expect, test } from 'vitest'
import { playHttp, respond } from '../../test/http-peer.ts'
import { createTestIo, failure } from '../../test/io.ts'
import { createResend } from './index.ts'

const cleanups: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})

function parsed(port: number) {
  const resend = createResend()
  return {
    resend,
    connection: {
      id: 'con_1',
      credentials: resend.credentials.parse({ api_key: 're_123' }),
      settings: resend.settings.parse({ base_url: `http://127.0.0.1:${port}` }),
    },
  }
}

async function check(status: number, body: unknown) {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const peer = await playHttp(respond(status, text))
  const io = createTestIo()
  cleanups.push(io.close, peer.close)
  const { resend, connection } = parsed(peer.port)
  return { report: await resend.check(connection, io), got: peer.got }
}

const domain = (name: string, status: string) => ({ name, status })

test('a good account reports its verified domains only, by one request that sends nothing', async () => {
  const data = [domain('example.com', 'verified'), domain('new.example', 'pending')]
  const { report, got } = await check(200, { data })
  expect(report).toEqual({ problem: null, identities: ['example.com'], notes: [] })
  expect(got.map(({ method, path }) => `${method} ${path}`)).toEqual(['GET /domains'])
  expect(got[0]?.headers.authorization).toBe('Bearer re_123')
})

test.each([
  ['has no domain', []],
  ['has one that waits', [domain('new.example', 'pending')]],
  ['has one that failed', [domain('old.example', 'failed')]],
])('an account that %s is no fault, but can send nothing yet', async (_what, data) => {
  expect((await check(200, { data })).report).toEqual({
    problem: null,
    identities: [],
    notes: [expect.stringMatching(/nothing can be sent yet/)],
  })
})

test('a list of more than a hundred domains is cut', async () => {
  const data = Array.from({ length: 150 }, (_, at) => domain(`d${at}.example`, 'verified'))
  expect((await check(200, { data })).report.identities).toHaveLength(100)
})

test.each([401, 403])('a key that may only send is good (%d)', async (status) => {
  expect((await check(status, { name: 'restricted_api_key', message: 'x' })).report).toEqual({
    problem: null,
    notes: [expect.stringMatching(/only send/)],
  })
})

test.each([
  [401, 'missing_api_key', 'provider-credentials-refused'],
  [403, 'invalid_api_key', 'provider-credentials-refused'],
  [404, 'not_found', 'provider-settings-wrong'],
  [429, 'rate_limit_exceeded', 'provider-rate-limited'],
  [451, 'security_error', 'provider-account-suspended'],
  [422, 'validation_error', 'provider-unavailable'],
  [500, 'internal_server_error', 'provider-unavailable'],
])('%d %s: %s', async (status, name, code) => {
  const { problem } = (await check(status, { name, message: 'x' })).report
  expect(problem).toMatchObject({ code, reason: `${status} ${name} x` })
})

test.each(['', '<html>', '{}', '{"data":{}}', '{"data":[{"name":5}]}'])(
  'an answer that does not come from Resend is reported as such: %s',
  async (body) => {
    expect((await check(200, body)).report.problem).toMatchObject({ code: 'provider-settings-wrong' })
  },
)

test('a host that the egress policy refuses is named as such', async () => {
  const { resend, connection } = parsed(1)
  const io = { ...createTestIo(), request: () => Promise.reject(failure('not public', false, true)) }
  expect((await resend.check(connection, io)).problem).toMatchObject({ code: 'provider-egress-refused' })
})
