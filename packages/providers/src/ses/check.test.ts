import { afterEach, expect, test } from 'vitest'
import { checkSignature } from '../../test/check-signature.ts'
import { type Answer, playHttp, respond } from '../../test/http-peer.ts'
import { createTestIo, failure } from '../../test/io.ts'
import { createSes } from './index.ts'

const healthy = {
  ProductionAccessEnabled: true,
  SendingEnabled: true,
  EnforcementStatus: 'HEALTHY',
  SendQuota: { Max24HourSend: 50_000, MaxSendRate: 14, SentLast24Hours: 7 },
}

const cleanups: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})

function parsed(port: number) {
  const ses = createSes()
  const keys = { access_key_id: 'AKIDEXAMPLE', secret_access_key: 'wJalrXUtnFEMI' }
  const settings = { region: 'eu-west-1', base_url: `http://127.0.0.1:${port}` }
  return {
    ses,
    connection: {
      id: 'con_1',
      credentials: ses.credentials.parse(keys),
      settings: ses.settings.parse(settings),
    },
  }
}

const identity = (name: string, more: object = { SendingEnabled: true }) => ({ IdentityName: name, ...more })
const listed = (...identities: object[]) => respond(200, JSON.stringify({ EmailIdentities: identities }))

async function check(
  status: number,
  body: unknown,
  headers = {},
  identities: Answer = listed(identity('example.com')),
) {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const peer = await playHttp((response, exchange) => {
    const answer = exchange.path.includes('identities') ? identities : respond(status, text, headers)
    return answer(response, exchange)
  })
  const io = createTestIo(2000)
  cleanups.push(io.close, peer.close)
  const { ses, connection } = parsed(peer.port)
  return { report: await ses.check(connection, io), got: peer.got, io }
}

test('a good account reports its limits and identities, by two signed requests that send nothing', async () => {
  const { report, got } = await check(200, healthy)
  expect(report).toEqual({
    problem: null,
    sandbox: false,
    limits: { perSecond: 14, perDay: 50_000, usedToday: 7 },
    identities: ['example.com'],
    notes: [],
  })
  expect(got.map(({ method, path }) => `${method} ${path}`)).toEqual([
    'GET /v2/email/account',
    'POST /v2/email/list-identities',
  ])
  for (const exchange of got) {
    expect(exchange.headers.authorization).toMatch(/^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\//)
    expect(checkSignature(exchange, 'wJalrXUtnFEMI')).toBe(true)
  }
})

test('only identities that may send are reported', async () => {
  const answer = listed(
    identity('example.com', { SendingEnabled: true, VerificationStatus: 'SUCCESS' }),
    identity('new.example', { SendingEnabled: false, VerificationStatus: 'PENDING' }),
    identity('off.example', { SendingEnabled: false, VerificationStatus: 'SUCCESS' }),
    identity('writer@example.org', { VerificationStatus: 'SUCCESS' }),
    identity('lost.example', {}),
  )
  const { report } = await check(200, healthy, {}, answer)
  expect(report).toMatchObject({ identities: ['example.com', 'writer@example.org'], notes: [] })
})

test.each([
  ['all of them', { EmailIdentities: [identity('new.example', { SendingEnabled: false })] }, 1],
  ['there are none', { EmailIdentities: [] }, 1],
  ['further pages', { EmailIdentities: [], NextToken: 'x' }, 0],
])('an account that certainly cannot send yet is reported: %s', async (_what, body, notes) => {
  const { report } = await check(200, healthy, {}, respond(200, JSON.stringify(body)))
  expect(report).toMatchObject({ problem: null, identities: [] })
  expect(report.notes.filter((note) => /nothing can be sent yet/.test(note))).toHaveLength(notes)
})

const denied = respond(403, '{"message":"x"}', { 'x-amzn-errortype': 'AccessDeniedException' })
test.each<[string, Answer, RegExp]>([
  ['refused', denied, /ses:ListEmailIdentities/],
  ['asked for too often', respond(429, '{}'), /not known/],
  ['broken', respond(500, ''), /not known/],
  ['something else', respond(200, '<html>'), /not known/],
  ['cut off', (response) => void response.socket?.destroy(), /not known/],
  ['never given', () => {}, /not known/],
])('a list of identities that is %s is no fault, and gets a note', async (_what, answer, note) => {
  const { report, io } = await check(200, healthy, {}, answer)
  // The caller waits no longer than until then.
  expect(io.signal.aborted).toBe(false)
  expect(report).toMatchObject({ problem: null, sandbox: false, limits: { perSecond: 14 } })
  expect(report.identities).toBeUndefined()
  expect(report.notes).toEqual([expect.stringMatching(note)])
})

test('a fault ends the check', async () => {
  expect((await check(200, { ...healthy, SendingEnabled: false })).got).toHaveLength(1)
})

test('the sandbox is no fault, and a note says how to leave it', async () => {
  const { report } = await check(200, {
    ...healthy,
    ProductionAccessEnabled: false,
    SendQuota: { Max24HourSend: 200, MaxSendRate: 1, SentLast24Hours: 0 },
  })
  expect(report).toMatchObject({
    problem: null,
    sandbox: true,
    limits: { perSecond: 1, perDay: 200, usedToday: 0 },
    notes: [expect.stringMatching(/sandbox.*production access/)],
  })
})

test('an account under review may send, and gets a note', async () => {
  const { report } = await check(200, { ...healthy, EnforcementStatus: 'PROBATION' })
  expect(report).toMatchObject({ problem: null, sandbox: false, notes: [expect.stringMatching(/reviews/)] })
})

test('an account without a daily limit has none, not minus one', async () => {
  const { report } = await check(200, { ...healthy, SendQuota: { Max24HourSend: -1, MaxSendRate: 500 } })
  expect(report.limits).toEqual({ perSecond: 500, perDay: undefined, usedToday: undefined })
})

test.each([
  ['no quota', { ...healthy, SendQuota: undefined }],
  ['half of a quota', { ...healthy, SendQuota: { Max24HourSend: 200 } }],
  ['a quota in words', { ...healthy, SendQuota: { Max24HourSend: 'many', MaxSendRate: 14 } }],
])('an account that reports %s is good, without limits', async (_what, body) => {
  const { report } = await check(200, body)
  expect(report.problem).toBeNull()
  expect(report.limits).toBeUndefined()
})

test.each([
  ['paused', { ...healthy, SendingEnabled: false }, /off \(HEALTHY\)/],
  ['paused, without a reason', { SendingEnabled: false }, /off \(disabled\)/],
  ['shut down', { ...healthy, EnforcementStatus: 'SHUTDOWN' }, /off \(SHUTDOWN\)/],
])('an account that is %s is suspended, and the advice names the contact', async (_what, body, reason) => {
  const { problem } = (await check(200, body)).report
  expect(problem).toMatchObject({
    code: 'provider-account-suspended',
    reason: expect.stringMatching(reason),
    advice: [expect.stringMatching(/^Ask the provider/)],
  })
})

test.each([
  [403, 'AccessDeniedException', 'provider-permission-missing'],
  [403, 'InvalidClientTokenIdException', 'provider-credentials-refused'],
  [403, 'SignatureDoesNotMatchException', 'provider-credentials-refused'],
  [403, 'ExpiredTokenException', 'provider-credentials-refused'],
  [429, 'TooManyRequestsException', 'provider-rate-limited'],
  [404, 'NotFoundException', 'provider-settings-wrong'],
  [400, 'BadRequestException', 'provider-unavailable'],
  [500, 'InternalServiceErrorException', 'provider-unavailable'],
])('%d %s: %s', async (status, type, code) => {
  const { problem } = (await check(status, { message: 'x' }, { 'x-amzn-errortype': type })).report
  expect(problem).toMatchObject({ code, reason: `${status} ${type} x` })
})

test('a key that may not read the account is good, and a note names the missing permission', async () => {
  const message = 'User: arn:aws:iam::1:user/x is not authorized to perform: ses:GetAccount'
  const { report } = await check(403, { message }, { 'x-amzn-errortype': 'AccessDeniedException' })
  expect(report).toEqual({
    problem: null,
    identities: ['example.com'],
    notes: [expect.stringMatching(/quota.*not known.*ses:GetAccount/)],
  })
})

test('an account without SES is a fault, and the permissions are named', async () => {
  const type = { 'x-amzn-errortype': 'OptInRequired' }
  const { problem } = (await check(403, { message: 'The account is not signed up' }, type)).report
  expect(problem).toMatchObject({
    code: 'provider-permission-missing',
    advice: [expect.stringContaining('permissions')],
  })
})

test.each(['', '<html>', '{}', '[]', '{"SendingEnabled":"yes"}'])(
  'an answer that does not come from SES is reported as such: %s',
  async (body) => {
    expect((await check(200, body)).report.problem).toMatchObject({ code: 'provider-settings-wrong' })
  },
)

test('a host that the egress policy refuses is named as such', async () => {
  const { ses, connection } = parsed(1)
  const io = { ...createTestIo(), request: () => Promise.reject(failure('not public', false, true)) }
  expect((await ses.check(connection, io)).problem).toMatchObject({
    code: 'provider-egress-refused',
    reason: 'not public',
  })
})
