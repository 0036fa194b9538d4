import { createServer as createTlsServer } from 'node:tls'
import { afterEach, describe, expect, test } from 'vitest'
import { createTestIo, failure } from '../../test/io.ts'
import { playSmtp, type Script, testTls } from '../../test/smtp-peer.ts'
import { adviceFor, type Situation } from './advice.ts'
import { createSmtp } from './index.ts'

const cleanups: (() => Promise<void> | undefined)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})

const plain = { host: '127.0.0.1', tls: 'none', allow_insecure: true }
const password = { username: 'me@example.com', password: 'open sesame' }

async function check(settings: object, credentials: object = password, io = createTestIo(400)) {
  const smtp = createSmtp()
  const connection = {
    id: 'con_1',
    credentials: smtp.credentials.parse(credentials),
    settings: smtp.settings.parse(settings),
  }
  return smtp.check(connection, io)
}

async function play(script: Script) {
  const peer = await playSmtp({ ehlo: ['AUTH PLAIN'], ...script })
  cleanups.push(() => peer.close())
  return peer
}

async function checkAgainst(script: Script, settings: object = {}, credentials: object = password) {
  const { port } = await play(script)
  return check({ ...plain, port, ...settings }, credentials)
}

describe('a good account', () => {
  test('reports the announced size', async () => {
    const report = await checkAgainst({ ehlo: ['SIZE 35882577', 'AUTH PLAIN'] })
    expect(report).toEqual({
      problem: null,
      notes: ['The server takes messages of up to 35.9 MB, as they are encoded.'],
    })
  })
  test('has no note without an announced size', async () => {
    expect(await checkAgainst({})).toEqual({ problem: null, notes: [] })
    expect((await checkAgainst({ ehlo: ['SIZE', 'AUTH PLAIN'] })).notes).toEqual([])
  })
  test('gets the advice not to use port 25', async () => {
    const { port } = await play({})
    const io = createTestIo()
    const report = await check({ ...plain, port: 25 }, password, {
      ...io,
      connect: (target) => io.connect({ ...target, port }),
    })
    expect(report.notes).toEqual([
      'Port 25 is for mail between servers and blocked in many networks: use 587 or 465.',
    ])
  })
})

describe('faults of a real connection', () => {
  test('a wrong password', async () => {
    const { problem } = await checkAgainst({ auth: '535 5.7.8 no' })
    expect(problem).toMatchObject({ code: 'provider-credentials-refused', reason: '535 5.7.8 no' })
    expect(problem?.advice[0]).toMatch(/refused this name and password/)
  })
  test('a server that offers no login', async () => {
    const { problem } = await checkAgainst({ ehlo: ['PIPELINING'] })
    expect(problem).toMatchObject({ code: 'provider-settings-wrong' })
    expect(problem?.advice[0]).toMatch(/offers no login on this port: use port 587 or 465/)
  })
  test('implicit TLS where the server speaks first', async () => {
    const { problem } = await checkAgainst({}, { tls: 'implicit' })
    expect(problem).toMatchObject({ code: 'provider-tls-failed' })
    expect(problem?.advice[0]).toMatch(/set tls to starttls/)
  })
  test('a server without STARTTLS', async () => {
    const { problem } = await checkAgainst({ other: () => '502 5.5.1 not implemented' }, { tls: 'starttls' })
    expect(problem).toMatchObject({ code: 'provider-tls-failed' })
    expect(problem?.advice[0]).toMatch(/offers no encryption/)
  })
  test('STARTTLS to a server that expects TLS; and a certificate without a trusted authority', async () => {
    const server = createTlsServer(testTls, (socket) => {
      socket.on('error', () => {})
      socket.write('220 peer\r\n')
    })
    server.on('tlsClientError', () => {})
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    cleanups.push(() => new Promise((resolve) => server.close(() => resolve())))
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const silent = await reach(465, 'starttls', port)
    expect(silent.problem).toMatchObject({ code: 'provider-unreachable' })
    expect(silent.problem?.advice[0]).toMatch(/set tls to implicit/)
    const unknown = await reach(465, 'implicit', port)
    expect(unknown.problem).toMatchObject({ code: 'provider-tls-failed' })
    expect(unknown.problem?.advice[0]).toMatch(/not signed by a trusted authority/)
  })
  test('a blocked port: the other ports of the preset are named', async () => {
    const io = createTestIo()
    const connect = () => Promise.reject(failure('connection timed out', false))
    const report = await check({ preset: 'sendgrid', port: 587 }, { password: 'x' }, { ...io, connect })
    expect(report.problem).toMatchObject({ code: 'provider-unreachable' })
    expect(report.problem?.advice[0]).toMatch(/Port 587 may be blocked.*2525 \(starttls\), 465 \(implicit\)/)
  })
  test('a host that the operator does not allow', async () => {
    const connect = () => Promise.reject(failure('address is not public', false, true))
    const report = await check({ ...plain, port: 587 }, password, { ...createTestIo(), connect })
    expect(report.problem).toMatchObject({ code: 'provider-egress-refused' })
    expect(report.problem?.advice).toHaveLength(1)
  })
  test('a password that would be sent unencrypted is not sent', async () => {
    const { port } = await play({})
    const { problem } = await check({ host: '127.0.0.1', tls: 'opportunistic', port })
    expect(problem).toMatchObject({ code: 'provider-settings-wrong' })
    expect(problem?.advice[0]).toMatch(/only sent over an encrypted connection/)
  })
})

/** As if the server stood on another port of its own than here. */
async function reach(port: number, tls: string, real: number) {
  const io = createTestIo(400)
  return check({ host: 'mail.test', tls, port }, password, {
    ...io,
    connect: (target) => io.connect({ ...target, port: real }),
  })
}

const usual: Situation = {
  code: 'provider-credentials-refused',
  reason: '535 no',
  host: 'mail.example.com',
  port: 587,
  tls: 'starttls',
  byToken: false,
}
const gmail = { host: 'smtp.gmail.com', preset: 'gmail' } as const
const office = { host: 'smtp.office365.com', preset: 'microsoft365' } as const
const unreachable = { code: 'provider-unreachable' } as const
const tlsFailed = { code: 'provider-tls-failed' } as const

test.each<[Partial<Situation>, RegExp]>([
  [{ ...gmail, byToken: true, reason: '535 5.7.8 Username and Password not accepted' }, /scope must be/],
  [{ ...gmail, reason: '534 5.7.9 Application-specific password required' }, /make an app password/],
  [{ ...gmail, reason: '535-5.7.8 Username and Password not accepted' }, /enter it without spaces/],
  [{ ...office, byToken: true, reason: '535 5.7.3 Authentication unsuccessful' }, /SMTP\.SendAsApp/],
  [
    { ...office, reason: '535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled' },
    /switched off/,
  ],
  [{ ...office, reason: '550 5.7.30 Basic authentication is not supported' }, /switched off/],
  [{ ...office, reason: '535 5.7.3 Authentication unsuccessful' }, /security defaults/],
  [{ byToken: true }, /compare the scope/],
  [{ host: 'email-smtp.eu-west-1.amazonaws.com', preset: 'ses' }, /access key of AWS is not one/],
  [{ preset: 'brevo' }, /SMTP key of the account/],
  [{ preset: 'mailgun' }, /the preset mailgun-eu\./],
  [{ preset: 'mailgun-eu' }, /the preset mailgun\./],
  [{ preset: 'sparkpost' }, /the preset sparkpost-eu\./],
  [{ preset: 'sparkpost-eu' }, /the preset sparkpost\./],
  [{}, /key made for SMTP/],
  [{ ...unreachable, port: 465, reason: 'Greeting never received' }, /set tls to implicit/],
  [{ ...unreachable, reason: 'Greeting never received' }, /may wait for TLS .* set tls to implicit/],
  [{ ...unreachable, reason: 'connection timed out' }, /465 \(implicit\), 2525 \(starttls\), 2587/],
  [
    {
      ...unreachable,
      code: 'provider-settings-wrong' as const,
      reason: '504 5.5.2 <web01>: Helo command rejected: need fully-qualified hostname',
    },
    /set helo_name/,
  ],
  [
    { ...unreachable, preset: 'ses', reason: 'connection timed out' },
    /2587 \(starttls\), 2465 \(implicit\), 465/,
  ],
  [
    { ...unreachable, preset: 'microsoft365', reason: 'connection timed out' },
    /operator of the network to open it/,
  ],
  [{ ...unreachable, reason: 'connection refused' }, /No mail server listens on port 587/],
  [{ ...unreachable, reason: 'host name does not resolve' }, /no host mail\.example\.com/],
  [{ ...tlsFailed, tls: 'implicit', reason: 'ssl3_get_record:wrong version number' }, /tls to starttls/],
  [{ ...tlsFailed, reason: 'the server offers no STARTTLS: 502' }, /no encryption on this port/],
  [{ ...tlsFailed, reason: 'certificate has expired' }, /has expired, or is not valid yet/],
  [
    { ...tlsFailed, reason: "Hostname/IP does not match certificate's altnames: Host: a" },
    /is not for mail\.example\.com: use a host name/,
  ],
  [
    { ...tlsFailed, reason: 'self-signed certificate in certificate chain' },
    /not signed by a trusted authority/,
  ],
  [{ ...tlsFailed, reason: 'unable to verify the first certificate' }, /not signed by a trusted authority/],
  [{ code: 'provider-settings-wrong', reason: 'server offers no login' }, /use port 587 or 465/],
  [
    { code: 'provider-settings-wrong', reason: 'login refused by us: the connection is not encrypted' },
    /set tls/,
  ],
  [
    {
      code: 'provider-settings-wrong',
      reason: 'a user name is needed beside the password',
      preset: 'mailgun',
    },
    /postmaster@/,
  ],
])('advice for %o: %s', (situation, advice) => {
  const said = adviceFor({ ...usual, ...situation })
  expect(said).toHaveLength(1)
  expect(said[0]).toMatch(advice)
  expect(said[0]).toMatch(/^[A-Z].*\.$/)
})

test('an unknown fault gets no advice', () => {
  expect(adviceFor({ ...usual, code: 'provider-unavailable', reason: '421 4.3.2 busy' })).toEqual([])
})
