import { setTimeout } from 'node:timers/promises'
import { simpleParser } from 'mailparser'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import { afterEach, describe, expect, test } from 'vitest'
import { describeProvider } from '../../test/conformance.ts'
import { buildOutboundMessage, createTestIo, failure } from '../../test/io.ts'
import { playSmtp, type Script, testTls } from '../../test/smtp-peer.ts'
import { buildMime } from '../lib/mime.ts'
import { createSmtp } from './index.ts'

const plain = { host: '127.0.0.1', tls: 'none', allow_insecure: true }
const login = { username: 'writer', password: 'open sesame' }
const withAuth = { ehlo: ['PIPELINING', 'AUTH PLAIN LOGIN'] }

describeProvider('smtp', createSmtp, {
  connectionTo: (port) => ({ credentials: login, settings: { ...plain, port } }),
  credentialsWith: (value) => ({ username: 'writer', password: value }),
  play: (behaviour) => {
    const message: Partial<Record<typeof behaviour, Script['message']>> = {
      'never answers the message': () => {},
      'hangs up after the message': (socket) => socket.resetAndDestroy(),
      'answers the message with garbage': (socket) => socket.write('HTTP/1.1 200 OK\r\n'),
      'answers the message without end': (socket) => socket.write(`250-${'x'.repeat(100_000)}`),
    }
    return playSmtp({
      ...withAuth,
      ...(behaviour === 'refuses the credentials' && { auth: '535 5.7.8 no' }),
      ...(behaviour === 'asks to wait' && { mail: () => '454 4.7.0 too fast' }),
      ...(message[behaviour] && { message: message[behaviour] }),
    })
  },
})

const cleanups: (() => Promise<void> | undefined)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})

async function start(script: Script, settings: object = {}, credentials: object = {}, timeoutMs = 5000) {
  const peer = await playSmtp(script)
  const smtp = createSmtp()
  cleanups.push(
    () => smtp.close?.(),
    () => peer.close(),
  )
  const connection = {
    id: 'con_1',
    credentials: smtp.credentials.parse(credentials),
    settings: smtp.settings.parse({ ...plain, port: peer.port, ...settings }),
  }
  const send = (changes = {}, within = timeoutMs) =>
    smtp.send(buildOutboundMessage(changes), connection, createTestIo(within))
  return { peer, smtp, connection, send }
}

describe('a connection that is lost', () => {
  test.each(['before the greeting', 'at MAIL', 'at DATA'])(
    '%s: deferred, nothing was sent',
    async (where) => {
      const hangUp =
        where === 'before the greeting'
          ? { greeting: '' }
          : where === 'at MAIL'
            ? { mail: () => '' }
            : { data: '' }
      const { send } = await start(hangUp, {}, {}, 200)
      expect(await send()).toMatchObject({ kind: 'deferred' })
    },
  )
  test('in the middle of a large message: deferred, since the final dot had not left', async () => {
    const { send, peer } = await start({ piece: (socket) => socket.resetAndDestroy() })
    const content = Buffer.alloc(20_000_000, 1)
    const attachments = [
      { filename: 'a', contentType: 'application/pdf', disposition: 'attachment', content },
    ]
    expect(await send({ attachments })).toMatchObject({ kind: 'deferred' })
    expect(peer.messages).toEqual([])
  })
  test('after the final dot: unknown', async () => {
    const { send, peer } = await start({ message: (socket) => socket.end() })
    expect(await send()).toMatchObject({ kind: 'unknown' })
    expect(peer.messages).toHaveLength(1)
  })
  test('after the final dot, with half a reply: unknown', async () => {
    const { send } = await start({ message: (socket) => socket.end('550 5.7.1 no, an') })
    expect(await send()).toMatchObject({ kind: 'unknown' })
  })
})

describe('replies', () => {
  const rejectedFor = (scope: string) => ({ kind: 'rejected', scope })
  test.each([
    ['greeting', '421 4.3.2 busy', { kind: 'deferred' }],
    ['greeting', '554 5.7.1 blocked', rejectedFor('account')],
    ['greeting', 'HTTP/1.1 400 Bad Request', { kind: 'deferred' }],
    ['mail', '451 4.3.0 later', { kind: 'deferred' }],
    ['mail', '530 5.7.0 authentication required', rejectedFor('account')],
    ['mail', '550 5.7.1 sender not allowed', rejectedFor('account')],
    ['mail', '552 5.3.4 too big', rejectedFor('message')],
    ['mail', '503 5.5.1 out of order', { kind: 'deferred' }],
    ['rcpt', '550 5.1.1 no such user', rejectedFor('message')],
    ['rcpt', '450 4.2.0 greylisted', { kind: 'deferred' }],
    ['rcpt', '452 4.5.3 too many recipients', { kind: 'deferred' }],
    ['rcpt', '550 5.5.3 too many recipients', { kind: 'deferred' }],
    ['rcpt', '554 5.7.1 Relay access denied', rejectedFor('account')],
    ['rcpt', '550 5.4.5 Daily user sending limit exceeded', { kind: 'deferred' }],
    ['data', '451 4.3.0 later', { kind: 'deferred' }],
    ['data', '554 5.5.1 no valid recipients', rejectedFor('message')],
    ['message', '451 4.3.0 later', { kind: 'deferred' }],
    ['message', '421 4.3.2 shutting down', { kind: 'deferred' }],
    ['message', '454 Throttling failure', { kind: 'deferred' }],
    ['message', '550 5.7.1 spam', rejectedFor('message')],
    ['message', '554 5.1.8 bad outbound sender', rejectedFor('account')],
    ['message', '250 2.0.0 ok', { kind: 'accepted' }],
  ])('to %s: %s means %o', async (step, reply, outcome) => {
    for (const ehlo of [['PIPELINING'], ['8BITMIME']]) {
      const say = {
        mail: () => reply,
        rcpt: () => reply,
        message: (socket: { write(text: string): void }) => socket.write(`${reply}\r\n`),
      }
      const script =
        step === 'greeting' || step === 'data'
          ? { [step]: reply }
          : { [step]: Object.entries(say).find(([name]) => name === step)?.[1] }
      const { send } = await start({ ehlo, ...script })
      expect(await send()).toMatchObject(outcome)
    }
  })

  test('each refused recipient is named, and the others get the message', async () => {
    const { send, peer } = await start({
      rcpt: (address) =>
        address.startsWith('no')
          ? '550 5.1.1 unknown'
          : address.startsWith('later')
            ? '450 4.2.0 busy'
            : '250 ok',
    })
    const to = ['yes@example.org', 'no@example.org', 'later@example.org'].map((address) => ({ address }))
    expect(await send({ to })).toEqual({
      kind: 'accepted',
      providerMessageId: '4F2A1C',
      refused: [
        {
          address: 'no@example.org',
          kind: 'rejected',
          code: 'recipient-refused',
          reason: '550 5.1.1 unknown',
        },
        {
          address: 'later@example.org',
          kind: 'deferred',
          code: 'recipient-deferred',
          reason: '450 4.2.0 busy',
        },
      ],
    })
    expect(peer.messages).toHaveLength(1)
    expect(await send({ to: to.slice(1) })).toEqual({
      kind: 'deferred',
      code: 'recipient-deferred',
      reason: '450 4.2.0 busy',
      refused: [
        {
          address: 'no@example.org',
          kind: 'rejected',
          code: 'recipient-refused',
          reason: '550 5.1.1 unknown',
        },
      ],
    })
  })

  test.each([
    ['250 2.0.0 Ok: queued as 4F2A1C', '4F2A1C'],
    ['250 Ok 0100018b5c3c0a4f-8b3e-000000', '0100018b5c3c0a4f-8b3e-000000'],
    [
      '250 2.0.0 OK <AM0PR08MB@eurprd08.prod.outlook.com> [Hostname=X]',
      'AM0PR08MB@eurprd08.prod.outlook.com',
    ],
    ['250 OK id=1rXyZ-0001-Ab', '1rXyZ-0001-Ab'],
    ['250 thank you', '<msg_01k9z8y7x6w5v4t3s2r1q0pnmk@example.com>'],
  ])('%s gives the id %s', async (reply, id) => {
    const { send } = await start({ message: (socket) => socket.write(`${reply}\r\n`) })
    expect(await send()).toEqual({ kind: 'accepted', providerMessageId: id })
  })
})

describe('reused connections', () => {
  test('consecutive messages use one connection, also after a refusal', async () => {
    let messages = 0
    const script = { rcpt: () => (++messages === 2 ? '550 5.1.1 no' : '250 ok') }
    const { send, peer } = await start(script, { max_connections: 1 })
    expect([(await send()).kind, (await send()).kind, (await send()).kind]).toEqual([
      'accepted',
      'rejected',
      'accepted',
    ])
    expect(peer.connections()).toBe(1)
  })

  test('many refusals on one connection leave nothing behind on it', async () => {
    const warnings: string[] = []
    const warn = (warning: Error) => warnings.push(warning.message)
    process.on('warning', warn)
    cleanups.push(async () => void process.off('warning', warn))
    const { send, peer } = await start({ rcpt: () => '550 5.1.1 no' }, { max_connections: 1 })
    for (let round = 0; round < 30; round++) await send()
    await setTimeout(10)
    expect(warnings).toEqual([])
    expect(peer.connections()).toBe(1)
  })

  test('connections never exceed max_connections, and every waiting message gets its turn', async () => {
    const { send, peer } = await start({}, { max_connections: 3 })
    const outcomes = await Promise.all(Array.from({ length: 40 }, () => send()))
    expect(outcomes.every(({ kind }) => kind === 'accepted')).toBe(true)
    expect(peer.connections()).toBe(3)
  })

  test.each([
    ['sparkpost', 2],
    ['sparkpost-eu', 2],
    ['mailgun', 1],
  ])('101 messages with the preset %s use %d connections', async (preset, connections) => {
    const { peer, send } = await start({}, { preset })
    for (let at = 0; at <= 100; at++) await send()
    expect(peer.messages).toHaveLength(101)
    expect(peer.connections()).toBe(connections)
  })

  test('a message is deferred if every connection is busy until its deadline', async () => {
    const { send } = await start({ message: () => {} }, { max_connections: 1 })
    const hanging = send({}, 400)
    expect(await send({}, 100)).toMatchObject({ kind: 'deferred', code: 'connection-busy' })
    expect(await hanging).toMatchObject({ kind: 'unknown' })
    expect(await send({}, 100)).toMatchObject({ kind: 'unknown' })
  })

  test.each(['closes', 'says 421 on'])(
    'a server that %s a reused connection costs no attempt',
    async (how) => {
      let messages = 0
      const { send, peer } = await start({
        mail: () => (how === 'says 421 on' && ++messages === 2 ? '421 4.4.2 idle too long' : '250 ok'),
        message: (socket) => {
          socket.write('250 ok\r\n')
          if (how === 'closes') socket.end()
        },
      })
      for (let round = 0; round < 3; round++) {
        expect(await send()).toMatchObject({ kind: 'accepted' })
        await setTimeout(20)
      }
      expect(peer.messages).toHaveLength(3)
    },
  )

  test('other credentials of the same connection never use its sockets', async () => {
    const { smtp, connection, peer } = await start(withAuth, {}, login)
    const other = { ...connection, credentials: smtp.credentials.parse({ ...login, password: 'changed' }) }
    const same = { ...connection, credentials: smtp.credentials.parse(login) }
    for (const used of [connection, other, same])
      await smtp.send(buildOutboundMessage(), used, createTestIo())
    expect(peer.connections()).toBe(2)
  })
})

describe('the transferred message', () => {
  test('is exactly the MIME that the API shows, with its dots, for exactly the envelope', async () => {
    const { send, peer } = await start({})
    const changes = {
      text: 'a\n.\n..\n.x\n',
      bcc: [{ address: 'hidden@example.net' }],
      envelopeTo: ['hidden@example.net'],
    }
    await send(changes)
    expect(peer.commands).toContain('MAIL FROM:<writer@example.com>')
    expect(peer.commands.filter((line) => line.startsWith('RCPT'))).toEqual(['RCPT TO:<hidden@example.net>'])
    const shown = (await buildMime(buildOutboundMessage(changes))).toString('latin1')
    expect(peer.messages[0]?.replace(/^\.\./gm, '.')).toBe(shown)
  })
})

describe('encryption and login, against a real server', () => {
  async function serve(options: SMTPServerOptions) {
    const mails: Buffer[] = []
    const server = new SMTPServer({
      ...testTls,
      authOptional: true,
      onAuth: ({ username, password }, _session, done) =>
        username === login.username && password === login.password
          ? done(null, { user: username })
          : done(new Error('no')),
      onData: (stream, session, done) => {
        const pieces: Buffer[] = []
        stream.on('data', (piece) => pieces.push(piece))
        stream.on('end', () => {
          mails.push(Buffer.concat(pieces))
          done(null, `ok id=${session.secure ? 'encrypted' : 'plain'}-${session.user ?? 'nobody'}`)
        })
      },
      ...options,
    })
    server.on('error', () => {})
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.server.address()
    if (address === null || typeof address === 'string') throw new Error('no port')
    const smtp = createSmtp()
    cleanups.push(
      () => smtp.close?.(),
      () => new Promise((resolve) => server.close(resolve)),
    )
    const send = (settings: object, credentials: object = login) =>
      smtp.send(
        buildOutboundMessage(),
        {
          id: 'con_1',
          credentials: smtp.credentials.parse(credentials),
          settings: smtp.settings.parse({ host: '127.0.0.1', port: address.port, ...settings }),
        },
        createTestIo(),
      )
    return { send, mails }
  }
  const insecure = { allow_insecure: true }

  test('STARTTLS, with login', async () => {
    const { send, mails } = await serve({})
    expect(await send({ tls: 'starttls', ...insecure })).toMatchObject({
      providerMessageId: 'encrypted-writer',
    })
    expect((await simpleParser(mails[0] ?? Buffer.alloc(0))).subject).toBe('Hello')
  })
  test('implicit TLS, with login', async () => {
    const { send } = await serve({ secure: true })
    expect(await send({ tls: 'implicit', ...insecure })).toMatchObject({
      providerMessageId: 'encrypted-writer',
    })
  })
  test('a certificate that does not verify is refused before the login', async () => {
    for (const options of [
      { tls: 'starttls', secure: false },
      { tls: 'implicit', secure: true },
    ]) {
      const { send } = await serve({ secure: options.secure })
      expect(await send({ tls: options.tls })).toMatchObject({ kind: 'rejected', scope: 'account' })
    }
  })
  test('a server without STARTTLS gets nothing when encryption is required', async () => {
    const { send, mails } = await serve({ hideSTARTTLS: true, disabledCommands: ['STARTTLS'] })
    expect(await send({ tls: 'starttls' })).toMatchObject({ kind: 'rejected', scope: 'account' })
    expect(mails).toEqual([])
  })
  test('opportunistic: continues without encryption, but without the password', async () => {
    const { send } = await serve({
      disabledCommands: ['STARTTLS'],
      hideSTARTTLS: true,
      allowInsecureAuth: true,
    })
    expect(await send({ tls: 'opportunistic' }, {})).toMatchObject({ providerMessageId: 'plain-nobody' })
    expect(await send({ tls: 'opportunistic' })).toMatchObject({ kind: 'rejected', scope: 'account' })
  })
  test('a wrong password is the account’s fault', async () => {
    const { send } = await serve({})
    const outcome = await send(
      { tls: 'starttls', ...insecure },
      { username: 'writer', password: 'wrong one' },
    )
    expect(outcome).toMatchObject({
      kind: 'rejected',
      scope: 'account',
      reason: expect.stringContaining('535'),
    })
    expect(JSON.stringify(outcome)).not.toContain('wrong one')
  })
  test('TLS to a server without TLS is the account’s fault', async () => {
    const { send } = await serve({ disabledCommands: ['STARTTLS'] })
    expect(await send({ tls: 'implicit' })).toMatchObject({ kind: 'rejected', scope: 'account' })
  })
})

test('a target that the egress policy refuses is the account’s fault', async () => {
  const { smtp, connection } = await start({})
  const io = {
    ...createTestIo(),
    connect: () => Promise.reject(failure('address is not public', false, true)),
  }
  expect(await smtp.send(buildOutboundMessage(), connection, io)).toEqual({
    kind: 'rejected',
    scope: 'account',
    code: 'provider-egress-refused',
    reason: 'address is not public',
  })
})
