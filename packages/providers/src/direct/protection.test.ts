import { createHash, X509Certificate } from 'node:crypto'
import type { SMTPServerOptions } from 'smtp-server'
import { afterEach, describe, expect, test } from 'vitest'
import { slowMs } from '../../test/cpu.ts'
import { buildOutboundMessage, createTestIo } from '../../test/io.ts'
import { mxTls, playMailHost, reaching, resolverOf, type Zone } from '../../test/mail-host.ts'
import type { HttpRequest, HttpResponse, SendOutcome } from '../provider.ts'
import { createDirect } from './index.ts'
import { lists, parsePolicy } from './mta-sts.ts'

const cleanups: (() => Promise<void> | undefined)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})

const host = 'mx.example.org'
/** The same server, by a name that its certificate does not hold. */
const elsewhere = 'mx.other.example'
const policyOf = (changes = '') =>
  `version: STSv1\r\nmode: enforce\r\n${changes || `mx: ${host}`}\r\nmax_age: 604800\r\n`

async function start(options: {
  zone?: Zone
  settings?: object
  host?: SMTPServerOptions
  policy?: () => Partial<HttpResponse> | undefined
  ca?: string
}) {
  const peer = await playMailHost(options.host)
  const records: Zone = { 'example.org': { mx: [[10, host]] }, ...options.zone }
  const resolver = resolverOf(records)
  const provider = createDirect({ resolver, ca: options.ca ?? mxTls.ca })
  cleanups.push(
    () => provider.close?.(),
    () => peer.close(),
  )
  const connection = {
    id: 'con_1',
    credentials: {},
    settings: provider.settings.parse({ helo_name: 'gate.example.net', ...options.settings }),
  }
  const fetched: string[] = []
  let nowMs = Date.now()
  const send = (): Promise<SendOutcome> =>
    provider.send(buildOutboundMessage(), connection, {
      ...reaching(createTestIo(), { [host]: peer.port, [elsewhere]: peer.port }),
      now: () => new Date(nowMs),
      request: async ({ url }: HttpRequest) => {
        fetched.push(url)
        const answer = options.policy?.()
        if (!answer) throw new Error('nobody answers')
        return { status: 200, headers: { 'content-type': 'text/plain' }, body: Buffer.from(''), ...answer }
      },
    })
  const later = (ms: number) => {
    nowMs += ms
    return provider.close?.()
  }
  return { send, fetched, records, peer, later }
}

const encrypted = { kind: 'accepted', providerMessageId: 'encrypted' }
const unencrypted = { kind: 'accepted', providerMessageId: 'unencrypted' }
const deferred = { kind: 'deferred', code: 'recipient-deferred' }
const withoutTls: SMTPServerOptions = { hideSTARTTLS: true, disabledCommands: ['STARTTLS'] }

describe('TLS without a policy', () => {
  test('is used if offered, with any certificate', async () => {
    expect(await (await start({ ca: '' })).send()).toMatchObject(encrypted)
  })
  test('if it is not offered, mail is sent without it, unless TLS is required', async () => {
    expect(await (await start({ host: withoutTls })).send()).toMatchObject(unencrypted)
    expect(await (await start({ host: withoutTls, settings: { tls: 'required' } })).send()).toMatchObject(
      deferred,
    )
  })
  test('a handshake that fails leads to a second connection without TLS, unless TLS is required', async () => {
    const old: SMTPServerOptions = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1' }
    expect(await (await start({ host: old })).send()).toMatchObject(unencrypted)
    expect(await (await start({ host: old, settings: { tls: 'required' } })).send()).toMatchObject(deferred)
  })
})

describe('MTA-STS', () => {
  const zone: Zone = { '_mta-sts.example.org': { txt: ['v=STSv1; id=20261120T000000;'] } }
  const answer = (text: string) => () => ({ body: Buffer.from(text) })

  test('enforced: a verified certificate of a listed host', async () => {
    const { send, fetched } = await start({ zone, policy: answer(policyOf()) })
    expect(await send()).toMatchObject(encrypted)
    expect(fetched).toEqual(['https://mta-sts.example.org/.well-known/mta-sts.txt'])
  })
  test.each<[string, Parameters<typeof start>[0]]>([
    ['a certificate without a trusted authority', { ca: '' }],
    ['a host without TLS', { host: withoutTls }],
    ['a host that is not listed', { policy: answer(policyOf('mx: other.example.org')) }],
  ])('enforced: %s gets nothing', async (_what, options) => {
    const { send, peer } = await start({ zone, policy: answer(policyOf()), ...options })
    expect(await send()).toMatchObject(deferred)
    expect(peer.mails).toEqual([])
  })
  test('testing, none, no record and an unreadable policy are treated as no policy', async () => {
    const policies = [
      policyOf().replace('enforce', 'testing'),
      policyOf().replace('enforce', 'none'),
      'x',
      '',
    ]
    for (const text of policies) {
      const { send } = await start({ zone, ca: '', policy: answer(text) })
      expect(await send()).toMatchObject(encrypted)
    }
    const { send, fetched } = await start({ ca: '', policy: answer(policyOf()) })
    expect(await send()).toMatchObject(encrypted)
    expect(fetched).toEqual([])
  })
  test.each<[string, Partial<HttpResponse>]>([
    ['an error', { status: 404 }],
    ['a redirect', { status: 301 }],
    ['another type', { headers: { 'content-type': 'text/html' } }],
    ['too long', { body: Buffer.from(policyOf() + 'x'.repeat(70_000)) }],
  ])('%s is refused as a policy', async (_what, changes) => {
    const policy = () => ({ body: Buffer.from(policyOf()), ...changes })
    expect(await (await start({ zone, ca: '', policy })).send()).toMatchObject(encrypted)
  })
  test('a policy is cached: its host and its record need not answer until it expires', async () => {
    const texts = [policyOf()]
    const { send, fetched, records, later } = await start({
      zone,
      host: withoutTls,
      policy: () => {
        const text = texts.shift()
        return text === undefined ? undefined : { body: Buffer.from(text) }
      },
    })
    expect(await send()).toMatchObject(deferred)
    await later(3_600_000)
    expect(await send()).toMatchObject(deferred)
    expect(fetched).toHaveLength(1)
    delete records['_mta-sts.example.org']
    await later(3_600_000)
    expect(await send()).toMatchObject(deferred)
    await later(7 * 86_400_000)
    expect(await send()).toMatchObject(unencrypted)
  })
  test('a new id in the record fetches the new policy', async () => {
    const texts = [policyOf(), policyOf().replace('enforce', 'none')]
    const policy = () => ({ body: Buffer.from(texts.shift() ?? '') })
    const { send, records, later } = await start({ zone: { ...zone }, host: withoutTls, policy })
    expect(await send()).toMatchObject(deferred)
    records['_mta-sts.example.org'] = { txt: ['v=STSv1; id=2;'] }
    await later(400_000)
    expect(await send()).toMatchObject(unencrypted)
  })
  test('S10: every text is read as a policy without delay', async () => {
    for (const filling of [
      `mx: a${' '.repeat(65_000)}b`,
      'mx: a\n'.repeat(10_000),
      `${' '.repeat(65_000)}:`,
    ]) {
      const text = `version: STSv1\nmode: enforce\n${filling}\nmax_age: 60`
      expect(await slowMs(() => parsePolicy(text))).toBeNull()
    }
    const spaced = 'version : STSv1\r\nmode:\tenforce  \r\nmx: *.Example.org \r\nmax_age: 60\r\n'
    expect(parsePolicy(spaced)).toMatchObject({ policy: { mode: 'enforce', mx: ['*.example.org'] } })
  })

  test('the age of a policy is bounded by a year', () => {
    const parsed = parsePolicy(policyOf().replace('604800', '99999999999'))
    expect(parsed?.maxAgeMs).toBe(31_557_600_000)
    expect(parsePolicy(policyOf().replace('604800', '-1'))).toBeUndefined()
  })
  test.each([
    ['mx.example.org', 'mx.example.org', true],
    ['*.example.org', 'mx.example.org', true],
    ['*.example.org', 'a.mx.example.org', false],
    ['*.example.org', 'example.org', false],
    ['mx.example.org', 'evil.example', false],
  ])('%s lists %s: %s', (mx, name, listed) => {
    expect(lists({ mode: 'enforce', mx: [mx] }, name)).toBe(listed)
  })
})

describe('DANE', () => {
  const leaf = new X509Certificate(mxTls.cert)
  const authority = new X509Certificate(mxTls.ca)
  const spki = (one: X509Certificate) => one.publicKey.export({ type: 'spki', format: 'der' })
  const sha256 = (data: Buffer) => createHash('sha256').update(data).digest()
  const sha512 = (data: Buffer) => createHash('sha512').update(data).digest()
  const record = (certUsage: number, selector: number, match: number, data: Buffer) => ({
    [`_25._tcp.${host}`]: { tlsa: [{ certUsage, selector, match, data }] },
  })
  const whole: SMTPServerOptions = { cert: mxTls.cert + mxTls.ca }
  const settings = { dane: true }

  test.each<[string, Zone, SMTPServerOptions]>([
    ['3 0 0', record(3, 0, 0, leaf.raw), {}],
    ['3 1 1', record(3, 1, 1, sha256(spki(leaf))), {}],
    ['3 1 2', record(3, 1, 2, sha512(spki(leaf))), {}],
    ['2 0 1, the authority in the chain', record(2, 0, 1, sha256(authority.raw)), whole],
    ['0 0 1, of no use: TLS alone', record(0, 0, 1, sha256(leaf.raw)), {}],
  ])('a host with the certificate of its record %s gets the mail', async (_what, zone, options) => {
    expect(await (await start({ zone, settings, host: options, ca: '' })).send()).toMatchObject(encrypted)
  })
  test.each<[string, Zone, SMTPServerOptions]>([
    ['another key', record(3, 1, 1, sha256(spki(authority))), {}],
    ['an authority that it does not show', record(2, 0, 1, sha256(authority.raw)), {}],
    ['no TLS, although the record promises it', record(3, 1, 1, sha256(spki(leaf))), withoutTls],
    ['no TLS, although an unusable record promises it', record(1, 0, 1, sha256(leaf.raw)), withoutTls],
  ])('a host with %s gets nothing', async (_what, zone, options) => {
    const { send, peer } = await start({ zone, settings, host: options, ca: '' })
    expect(await send()).toMatchObject(deferred)
    expect(peer.mails).toEqual([])
  })
  test('a record of an authority needs a certificate with the name of the host, a record of a key does not', async () => {
    const at = (certUsage: number, data: Buffer): Zone => ({
      'example.org': { mx: [[10, elsewhere]] },
      [`_25._tcp.${elsewhere}`]: { tlsa: [{ certUsage, selector: 0, match: 1, data: sha256(data) }] },
    })
    const byAuthority = await start({ zone: at(2, authority.raw), settings, host: whole, ca: '' })
    expect(await byAuthority.send()).toMatchObject({ ...deferred, reason: expect.stringContaining('DANE') })
    const byKey = await start({ zone: at(3, leaf.raw), settings, host: whole, ca: '' })
    expect(await byKey.send()).toMatchObject(encrypted)
  })
  test('without the setting, records are not looked up', async () => {
    const zone = record(3, 1, 1, sha256(spki(authority)))
    expect(await (await start({ zone, ca: '' })).send()).toMatchObject(encrypted)
  })
})
