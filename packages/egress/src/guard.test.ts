import { describe, expect, test } from 'vitest'
import { Guard } from './guard.ts'

const spellingsOfThisMachine = [
  '127.0.0.1',
  '2130706433',
  '0x7f000001',
  '0177.0.0.1',
  '127.1',
  '127.0.1',
  '0x7f.1',
  '017700000001',
  '①②⑦.⓪.⓪.①',
  '127。0。0。1',
  '127.0.0.1.',
  'localhost',
  'LOCALHOST',
  'localhost.',
  'x.localhost',
  '127.0.0.1.nip.io',
  'localtest.me',
  '[::1]',
  '::1',
  '0:0:0:0:0:0:0:1',
  '[::]',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '[::7f00:1]',
  '[::127.0.0.1]',
  '[64:ff9b::7f00:1]',
  '[64:ff9b:1::]',
  '[2002:7f00:1::]',
  '[2001::1]',
]
const specialAddresses = [
  '10.0.0.1',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.0.1',
  '169.254.169.254',
  '100.100.100.200',
  '192.0.0.192',
  '198.18.0.1',
  '0.0.0.0',
  '224.0.0.1',
  '240.0.0.1',
  '255.255.255.255',
  '192.0.2.1',
  '168.63.129.16',
  '[fc00::1]',
  '[fd12::1]',
  '[fe80::1]',
  '[fe80::1%eth0]',
  '[fec0::1]',
  '[ff02::1]',
  '[3fff::1]',
  '[5f00::1]',
  '[100::1]',
  '[2001:db8::1]',
  '[::ffff:8.8.8.8]',
]
const notHosts = [
  '',
  ' ',
  'a b.example',
  'mail.example\r\nX: y',
  'unix:/run/x',
  '/run/x',
  'user@mail.example',
  'mail.example/x',
  'mail.example?x',
  'mail.example#x',
  '%3127.0.0.1',
  'mail.example:25',
  '[::1',
  '::1]',
  '1.2.3.4.5',
  '999.1.1.1',
  'a..b',
  `${'a'.repeat(64)}.example`,
  'mail\u200b.example',
]
const privateNames = [
  'redis',
  'metadata.google.internal',
  'printer.local',
  'db.lan',
  '1.0.0.127.in-addr.arpa',
]

const guard = new Guard({ allow: [] })
const refusals = (hosts: string[]) =>
  hosts.filter((host) => !guard.check({ host, port: 587, scheme: 'smtp' }).ok)

describe('without DNS', () => {
  test('no spelling of this machine is permitted', () => {
    expect(refusals(spellingsOfThisMachine)).toEqual(spellingsOfThisMachine)
  })
  test('no private or special address is permitted', () => {
    expect(refusals(specialAddresses)).toEqual(specialAddresses)
  })
  test('a text that is not a host is refused', () => {
    expect(refusals(notHosts)).toEqual(notHosts)
  })
  test('names that only exist inside a network are refused', () => {
    expect(refusals(privateNames)).toEqual(privateNames)
  })
  test('public names and addresses are permitted', () => {
    const hosts = [
      'mail.example.com',
      'bücher.example',
      'MAIL.EXAMPLE.COM.',
      '8.8.8.8',
      '[2606:4700::1111]',
      '2a00:1450::1',
    ]
    expect(refusals(hosts)).toEqual([])
  })
  test.each([
    ['smtp', 587, true],
    ['smtp', 25, false],
    ['smtp', 22, false],
    ['smtp', 6379, false],
    ['smtp', 443, false],
    ['https', 443, true],
    ['https', 25, false],
    ['http', 80, false],
    ['smtp-plain', 587, false],
    ['smtp', 0, false],
    ['smtp', 65536, false],
    ['smtp', 587.5, false],
  ] as const)('%s to port %d of a public host is permitted: %s', (scheme, port, ok) => {
    expect(guard.check({ host: 'mail.example.com', port, scheme }).ok).toBe(ok)
    expect(guard.check({ host: '8.8.8.8', port, scheme }).ok).toBe(ok)
  })
})

test('port 25 of public mail servers needs the permission of the operator', () => {
  const permitting = new Guard({ allow: [], mailPort: true })
  const target = { host: 'mx.example.com', port: 25 }
  expect(permitting.check({ ...target, scheme: 'smtp' }).ok).toBe(true)
  expect(permitting.check({ ...target, scheme: 'smtp-plain' }).ok).toBe(false)
  expect(permitting.check({ ...target, port: 587, scheme: 'smtp' }).ok).toBe(true)
  expect(new Guard({ allow: [] }).check({ ...target, scheme: 'smtp' })).toMatchObject({
    reason: expect.stringContaining('LETTERGATE_EGRESS_PORT_25'),
  })
})

describe('the allow list', () => {
  test.each([
    ['127.0.0.1', '127.0.0.1', 8005, true],
    ['127.0.0.1', '2130706433', 8005, true],
    ['127.0.0.1', '127.0.0.2', 8005, false],
    ['127.0.0.1:8005', '127.0.0.1', 8005, true],
    ['127.0.0.1:8005', '127.0.0.1', 8006, false],
    ['10.0.0.0/8', '10.200.0.1', 6379, true],
    ['10.0.0.0/8', '11.0.0.1', 6379, false],
    ['10.0.0.0/8:25', '10.0.0.1', 26, false],
    ['::1', '[::1]', 8005, true],
    ['[::1]:8005', '::1', 8005, true],
    ['fd00::/8', 'fd12::1', 25, true],
    ['127.0.0.1', '::ffff:127.0.0.1', 8005, false],
    ['localhost', 'localhost', 8005, true],
    ['Mail.Internal:2525', 'mail.internal', 2525, true],
    ['mail.internal:2525', 'mail.internal', 2526, false],
    ['mail.internal', 'x.mail.internal', 25, false],
  ])('with %s listed, %s port %d is permitted: %s', (entry, host, port, ok) => {
    expect(new Guard({ allow: [entry] }).check({ host, port, scheme: 'smtp-plain' }).ok).toBe(ok)
  })
  test.each([
    '10.0.0.0/33',
    'fd00::/129',
    'a b',
    '127.0.0.1:0',
    '127.0.0.1:99999',
    'mail.internal/8',
    'http://x.example',
  ])('the entry %s is an error, not ignored', (entry) => {
    expect(() => new Guard({ allow: [entry] })).toThrow('egress allow list')
  })
})

describe('with DNS', () => {
  const resolving = (addresses: string[], allow: string[] = []) =>
    new Guard({ allow, resolve: async () => addresses }).resolve({
      host: 'mail.example.com',
      port: 587,
      scheme: 'smtp',
    })

  test('a name with one public and one private address is refused', async () => {
    await expect(resolving(['8.8.8.8', '10.0.0.1'])).rejects.toMatchObject({ refused: true, bodySent: false })
    await expect(resolving(['2606:4700::1111', '::1'])).rejects.toMatchObject({ refused: true })
  })
  test('the refusal does not show the private address', async () => {
    await expect(resolving(['10.9.8.7'])).rejects.not.toThrow('10.9.8.7')
  })
  test('a name with only public addresses gives exactly those', async () => {
    expect(await resolving(['8.8.8.8', '2606:4700::1111'])).toEqual(['8.8.8.8', '2606:4700::1111'])
  })
  test('a private address is permitted when it is listed', async () => {
    expect(await resolving(['8.8.8.8', '10.0.0.1'], ['10.0.0.0/24'])).toEqual(['8.8.8.8', '10.0.0.1'])
  })
  test('a name without addresses is a failure to connect, not a refusal', async () => {
    await expect(resolving([])).rejects.toMatchObject({ refused: false, bodySent: false })
  })
  test('a refused literal or name is not resolved', async () => {
    const asked: string[] = []
    const watched = new Guard({
      allow: [],
      resolve: async (name) => [asked.push(name), '8.8.8.8'].map(String),
    })
    await expect(watched.resolve({ host: 'x.localhost', port: 587 })).rejects.toMatchObject({ refused: true })
    expect(asked).toEqual([])
  })
})

describe('the gateway itself', () => {
  const guardOf = (ownUrl: string, allow: string[] = []) =>
    new Guard({
      allow,
      ownUrl,
      policy: { ports: { https: [443], http: [80], smtp: [587], 'smtp-plain': [25] } },
    })

  test.each(['mail.acme.example', 'MAIL.acme.example', 'mail.acme.example.'])(
    'is not called by http, written as %s',
    (host) => {
      const guard = guardOf('https://mail.acme.example')
      for (const [scheme, port] of [
        ['https', 443],
        ['http', 80],
      ] as const)
        expect(guard.check({ host, port, scheme })).toMatchObject({ ok: false, rule: 'own-host' })
    },
  )

  test('keeps no other host, mail, shared host or host of the operator’s list away', () => {
    const own = guardOf('https://mail.acme.example')
    const target = { host: 'mail.acme.example', port: 443, scheme: 'https' } as const
    expect(own.check({ ...target, host: 'app.acme.example' })).toMatchObject({ ok: true })
    expect(own.check({ ...target, port: 587, scheme: 'smtp' })).toMatchObject({ ok: true })
    expect(guardOf('https://mail.acme.example/gateway').check(target)).toMatchObject({ ok: true })
    expect(guardOf('https://mail.acme.example', ['mail.acme.example']).check(target)).toMatchObject({
      ok: true,
    })
  })
})
