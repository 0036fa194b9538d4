import { generateKeyPairSync } from 'node:crypto'
import { afterEach, describe, expect, test } from 'vitest'
import { describeProvider } from '../../test/conformance.ts'
import { buildOutboundMessage, createTestIo, failure } from '../../test/io.ts'
import { reaching, resolverOf, type Zone } from '../../test/mail-host.ts'
import { playSmtp, type Script } from '../../test/smtp-peer.ts'
import type { Io, OutboundMessage } from '../provider.ts'
import { createDirect } from './index.ts'

const helo_name = 'gate.example.net'
const pair = generateKeyPairSync('ed25519')
const private_key = pair.privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64')
const published = pair.publicKey.export({ type: 'spki', format: 'der' }).subarray(-32).toString('base64')
const keyRecord: Zone = { 's1._domainkey.example.com': { txt: [`v=DKIM1; k=ed25519; p=${published}`] } }

// The DNS record of the key, for the next peer.
let zone: Zone = keyRecord
const dkim = (value: unknown) => ({
  dkim: [{ domain: 'example.com', selector: 's1', private_key: value }],
})

describeProvider('direct', () => createDirect({ resolver: resolverOf(zone) }), {
  connectionTo: (port) => ({
    credentials: dkim(private_key),
    settings: { helo_name, instead_of_mx: { host: '127.0.0.1', port } },
  }),
  credentialsWith: dkim,
  // No host is in charge of more than its own recipients.
  unreachable: 'recipient-deferred',
  play: (behaviour) => {
    // There is no login: what a person can have wrong is the published key, and how the server takes to this host.
    const isRefused = behaviour === 'refuses the credentials'
    zone = isRefused ? { 's1._domainkey.example.com': { txt: ['v=DKIM1; p='] } } : keyRecord
    const message: Partial<Record<typeof behaviour, Script['message']>> = {
      'never answers the message': () => {},
      'hangs up after the message': (socket) => socket.resetAndDestroy(),
      'answers the message with garbage': (socket) => socket.write('HTTP/1.1 200 OK\r\n'),
      'answers the message without end': (socket) => socket.write(`250-${'x'.repeat(100_000)}`),
    }
    return playSmtp({
      ...(isRefused && { greeting: '554 5.7.1 your address is on a list' }),
      ...(behaviour === 'asks to wait' && { mail: () => '450 4.7.1 greylisted' }),
      ...(message[behaviour] && { message: message[behaviour] }),
    })
  },
})

const cleanups: (() => Promise<void> | undefined)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})

/** Mail hosts by name, each following its script. */
async function start(
  domains: Zone,
  hosts: Record<string, Script>,
  options: { settings?: object; timeoutMs?: number; io?: (io: Io) => Io } = {},
) {
  const resolver = resolverOf(domains)
  const provider = createDirect({ resolver })
  const peers: Record<string, Awaited<ReturnType<typeof playSmtp>>> = {}
  const ports: Record<string, number> = {}
  for (const [name, script] of Object.entries(hosts)) {
    const peer = await playSmtp(script)
    peers[name] = peer
    ports[name] = peer.port
    cleanups.push(() => peer.close())
  }
  cleanups.unshift(() => provider.close?.())
  const connection = {
    id: 'con_1',
    credentials: provider.credentials.parse({}),
    settings: provider.settings.parse({ helo_name, ...options.settings }),
  }
  const io = reaching(createTestIo(options.timeoutMs), ports)
  const send = (to: string[], changes: Partial<OutboundMessage> = {}) => {
    const message = buildOutboundMessage({ to: to.map((address) => ({ address })), ...changes })
    const used = { ...createTestIo(options.timeoutMs), connect: io.connect }
    return provider.send(message, connection, options.io?.(used) ?? used)
  }
  return { send, peers, io, resolver, provider, connection }
}

const org: Zone = { 'example.org': { mx: [[10, 'mx.example.org']] } }
const refusedFor = (address: string, kind: string, code: string) =>
  expect.objectContaining({ address, kind, code })

describe('the host that gets the mail', () => {
  test('the hosts of the MX records are tried in their order, until one answers', async () => {
    const domains: Zone = {
      'example.org': {
        mx: [
          [30, 'c.example.org'],
          [10, 'a.example.org'],
          [20, 'B.example.org.'],
        ],
      },
    }
    const { send, io, peers } = await start(domains, { 'b.example.org': {}, 'c.example.org': {} })
    expect(await send(['x@example.org'])).toMatchObject({ kind: 'accepted', providerMessageId: '4F2A1C' })
    expect(io.reached).toEqual(['a.example.org', 'b.example.org'])
    expect(peers['b.example.org']?.commands).toEqual(
      expect.arrayContaining([`EHLO ${helo_name}`, 'RCPT TO:<x@example.org>']),
    )
  })

  test.each(['554 5.3.2 no mail here', '421 4.3.2 busy'])(
    'a host that greets with %s is skipped',
    async (greeting) => {
      const domains: Zone = {
        'example.org': {
          mx: [
            [10, 'a.example.org'],
            [20, 'b.example.org'],
          ],
        },
      }
      const { send } = await start(domains, { 'a.example.org': { greeting }, 'b.example.org': {} })
      expect(await send(['x@example.org'])).toMatchObject({ kind: 'accepted' })
    },
  )

  test('hosts of one preference share the mail', async () => {
    const domains: Zone = {
      'example.org': {
        mx: [
          [10, 'a.example.org'],
          [10, 'b.example.org'],
        ],
      },
    }
    const first = new Set<string | undefined>()
    for (let round = 0; round < 40 && first.size < 2; round++) {
      const { send, io } = await start(domains, { 'a.example.org': {}, 'b.example.org': {} })
      await send(['x@example.org'])
      first.add(io.reached[0])
    }
    expect([...first].sort()).toEqual(['a.example.org', 'b.example.org'])
  })

  test('without MX records: the domain itself', async () => {
    const { send, io } = await start({ 'example.org': { a: ['192.0.2.1'] } }, { 'example.org': {} })
    expect(await send(['x@example.org'])).toMatchObject({ kind: 'accepted' })
    expect(io.reached).toEqual(['example.org'])
  })

  test.each<[string, Zone, object]>([
    ['a null MX', { 'example.org': { mx: [[0, '.']] } }, { code: 'recipient-refused', reason: /null MX/ }],
    ['a null MX as Node.js reports it', { 'example.org': { mx: [[0, '']] } }, { code: 'recipient-refused' }],
    ['no such domain', {}, { code: 'recipient-refused', reason: /does not exist/ }],
    ['neither MX nor address', { 'example.org': {} }, { code: 'recipient-refused' }],
  ])('%s: refused for good', async (_what, domains, outcome) => {
    const { send, io } = await start(domains, {})
    const expected = Object.fromEntries(
      Object.entries(outcome).map(([name, value]) => [
        name,
        value instanceof RegExp ? expect.stringMatching(value) : value,
      ]),
    )
    expect(await send(['x@example.org'])).toMatchObject({ kind: 'rejected', scope: 'message', ...expected })
    expect(io.reached).toEqual([])
  })

  test('name servers that do not answer: deferred', async () => {
    const { send } = await start({}, {})
    expect(await send(['x@dns.broken'])).toMatchObject({ kind: 'deferred', code: 'recipient-deferred' })
  })

  test('a domain in a private network is refused permanently, and does not count against the connection', async () => {
    const { send } = await start(
      org,
      {},
      {
        io: (io) => ({ ...io, connect: () => Promise.reject(failure('address is not public', false, true)) }),
      },
    )
    expect(await send(['x@example.org'])).toMatchObject({
      kind: 'rejected',
      scope: 'message',
      code: 'recipient-refused',
    })
  })
})

describe('the meaning of a reply', () => {
  const rejected = (code: string) => ({ kind: 'rejected', scope: 'message', code })
  const account = (code: string) => ({ kind: 'rejected', scope: 'account', code })
  const deferred = { kind: 'deferred', code: 'recipient-deferred' }
  test.each<[keyof Script, string, object]>([
    ['greeting', '554 5.7.1 listed', account('sending-host-refused')],
    ['greeting', '421 4.7.0 too many connections', deferred],
    ['mail', '550 5.7.1 SPF', account('provider-sender-refused')],
    ['mail', '530 5.7.0 log in first', account('sending-host-refused')],
    ['mail', '451 4.7.1 rate limited', deferred],
    ['mail', '552 5.3.4 too big', rejected('message-too-large')],
    ['rcpt', '450 4.2.0 greylisted', deferred],
    ['rcpt', '452 4.5.3 too many recipients', deferred],
    ['rcpt', '550 5.1.1 no such user', rejected('recipient-refused')],
    ['rcpt', '554 5.7.1 relay access denied', account('sending-host-refused')],
    ['rcpt', '550 5.7.708 blocked', account('sending-host-refused')],
    ['rcpt', '550 5.7.1 no', rejected('refusal-unrecognised')],
    ['rcpt', '550 5.4.5 quota', deferred],
    ['message', '550 5.7.26 unauthenticated', account('provider-sender-refused')],
    ['message', '421 4.7.28 unusual rate', deferred],
    ['message', '554 5.1.8 sender', account('provider-sender-refused')],
    ['message', '550 5.7.1 spam', rejected('message-refused')],
  ])('to %s: %s', async (step, reply, outcome) => {
    const script: Script =
      step === 'greeting'
        ? { greeting: reply }
        : step === 'message'
          ? { message: (socket) => void socket.write(`${reply}\r\n`) }
          : { [step]: () => reply }
    const { send } = await start(org, { 'mx.example.org': script })
    expect(await send(['x@example.org'])).toMatchObject(outcome)
  })
})

describe('several domains', () => {
  const domains: Zone = Object.fromEntries(
    ['a', 'b', 'c', 'd'].map((name) => [`${name}.example`, { mx: [[10, `mx.${name}.example`]] }]),
  )
  const all = ['1@a.example', '2@b.example', '3@b.example', '4@c.example', '5@d.example']

  test('one transaction for each domain, and each recipient gets its own answer', async () => {
    const { send, peers } = await start(domains, {
      'mx.a.example': {},
      'mx.b.example': { rcpt: (address) => (address.startsWith('2') ? '550 5.1.1 no' : '250 ok') },
      'mx.c.example': { message: (socket) => void socket.end() },
    })
    const outcome = await send(all)
    expect(outcome).toMatchObject({ kind: 'accepted', providerMessageId: '4F2A1C' })
    expect(outcome).toMatchObject({
      refused: [
        refusedFor('2@b.example', 'rejected', 'recipient-refused'),
        // Its server may have it: it is neither sent again nor an obstacle for the others.
        refusedFor('4@c.example', 'rejected', 'outcome-unknown'),
        refusedFor('5@d.example', 'deferred', 'recipient-deferred'),
      ],
    })
    expect(peers['mx.b.example']?.commands.filter((line) => line.startsWith('RCPT'))).toEqual([
      'RCPT TO:<2@b.example>',
      'RCPT TO:<3@b.example>',
    ])
  })

  test('no domain accepted yet: deferred, except for recipients with a final answer', async () => {
    const { send } = await start(domains, {
      'mx.a.example': { message: (socket) => void socket.end() },
      'mx.b.example': { rcpt: () => '550 5.1.1 no' },
      'mx.c.example': { greeting: '554 5.7.1 listed' },
    })
    expect(await send(all)).toMatchObject({
      kind: 'deferred',
      refused: [
        refusedFor('1@a.example', 'rejected', 'outcome-unknown'),
        refusedFor('2@b.example', 'rejected', 'recipient-refused'),
        refusedFor('3@b.example', 'rejected', 'recipient-refused'),
      ],
    })
  })

  test('one domain may have accepted and the others refused: unknown', async () => {
    const { send } = await start(domains, {
      'mx.a.example': { message: (socket) => void socket.end() },
      'mx.b.example': { rcpt: () => '550 5.1.1 no' },
    })
    expect(await send(all.slice(0, 3))).toMatchObject({ kind: 'unknown', code: 'outcome-unknown' })
  })

  test('a domain that never answers delays no call beyond the deadline', async () => {
    const { send } = await start(
      domains,
      { 'mx.a.example': { greeting: '' }, 'mx.b.example': {} },
      { timeoutMs: 400 },
    )
    expect(await send(all.slice(0, 2))).toMatchObject({
      kind: 'accepted',
      refused: [refusedFor('1@a.example', 'deferred', 'recipient-deferred')],
    })
  })

  test('only recipients of the envelope are reached, and blind copies stay hidden', async () => {
    const { send, peers } = await start(domains, { 'mx.a.example': {}, 'mx.b.example': {} })
    const changes = { bcc: [{ address: '3@b.example' }], envelopeTo: ['3@b.example'] }
    expect(await send(['1@a.example'], changes)).toMatchObject({ kind: 'accepted' })
    expect(peers['mx.a.example']?.connections()).toBe(0)
    expect(peers['mx.b.example']?.messages[0]).not.toContain('3@b.example')
  })
})

test('sessions are reused, and end after a hundred messages', async () => {
  const { send, peers, resolver } = await start(
    org,
    { 'mx.example.org': {} },
    { settings: { max_connections: 1 } },
  )
  for (let round = 0; round < 101; round++) await send(['x@example.org'])
  expect(peers['mx.example.org']?.connections()).toBe(2)
  expect(resolver.asked.filter((name) => name === 'example.org')).toHaveLength(2)
})

test('the same message gives the same bytes', async () => {
  const { send, peers } = await start(org, { 'mx.example.org': {} })
  await send(['x@example.org'])
  await send(['x@example.org'])
  const [one, other] = peers['mx.example.org']?.messages ?? []
  expect(one).toBe(other)
})

test.each([
  [{}, 'helo_name'],
  [{ helo_name: 'localhost' }, 'helo_name'],
  [{ helo_name, tls: 'none' }, 'tls'],
  [{ helo_name, instead_of_mx: { host: 'a b', port: 25 } }, 'instead_of_mx.host'],
])('settings %o are refused at %s', (settings, path) => {
  const { error } = createDirect().settings.safeParse(settings)
  expect(error?.issues.map((issue) => issue.path.join('.'))).toEqual([path])
})

describe('check', () => {
  const good: Zone = {
    ...org,
    ...keyRecord,
    [helo_name]: { a: ['192.0.2.9'] },
    '192.0.2.9': { ptr: [helo_name] },
  }
  async function check(
    domains: Zone,
    credentials: object,
    settings: object,
    hosts: Record<string, Script> = {},
  ) {
    const { provider, connection, io } = await start(domains, hosts, { settings })
    return provider.check({ ...connection, credentials: provider.credentials.parse(credentials) }, io)
  }

  test('a good account has no notes', async () => {
    const report = await check(
      good,
      dkim(private_key),
      { check_domain: 'example.org' },
      { 'mx.example.org': {} },
    )
    expect(report).toEqual({ problem: null, identities: ['example.com'], notes: [] })
  })
  test('notes: no key, a name without address, a port that was not tried', async () => {
    const { problem, notes } = await check({}, {}, {})
    expect(problem).toBeNull()
    expect(notes.map((note) => note.slice(0, 24))).toEqual([
      'Mail of this connection ',
      'helo_name gate.example.n',
      'Outgoing port 25 was not',
    ])
  })
  test('a reverse record with another name', async () => {
    const { notes } = await check({ ...good, '192.0.2.9': { ptr: ['other.example'] } }, dkim(private_key), {})
    expect(notes[0]).toMatch(/reverse record \(PTR\)/)
  })
  test.each<[string, Zone, unknown, RegExp]>([
    [
      'no record',
      {},
      private_key,
      /Publish a TXT record s1\._domainkey\.example\.com with this value: v=DKIM1; k=ed25519; p=/,
    ],
    ['not a key', good, 'bm90IGEga2V5', /PEM/],
  ])('a DKIM key with %s', async (_what, domains, key, advice) => {
    const { problem } = await check(domains, dkim(key), {})
    expect(problem).toMatchObject({ code: 'provider-credentials-refused' })
    expect(problem?.advice[0]).toMatch(advice)
  })
  test.each<[string, Record<string, Script>, string, RegExp]>([
    ['a blocked port 25', {}, 'provider-unreachable', /port 25 is blocked/],
    [
      'a host that does not answer',
      { 'mx.example.org': { greeting: '554 5.7.1 no' } },
      'sending-host-refused',
      /block lists/,
    ],
  ])('%s', async (_what, hosts, code, advice) => {
    const { problem } = await check(good, {}, { check_domain: 'example.org' }, hosts)
    expect(problem).toMatchObject({ code })
    expect(problem?.advice[0]).toMatch(advice)
  })
})

test('an invalid DKIM key is a fault of the account, and nothing is sent', async () => {
  const { provider, connection, peers, io } = await start(org, { 'mx.example.org': {} })
  const used = { ...connection, credentials: provider.credentials.parse(dkim('bm90IGEga2V5')) }
  expect(await provider.send(buildOutboundMessage(), used, io)).toMatchObject({
    kind: 'rejected',
    code: 'provider-credentials-refused',
  })
  expect(peers['mx.example.org']?.connections()).toBe(0)
})
