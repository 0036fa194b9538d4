import { BrevoClient } from '@getbrevo/brevo'
import { describe, expect, test } from 'vitest'
import { setUpAdapter } from '../../test/adapter.ts'
import { describeProvider } from '../../test/conformance.ts'
import { playBehaviour, respond } from '../../test/http-peer.ts'
import { buildOutboundMessage } from '../../test/io.ts'
import type { OutboundMessage } from '../provider.ts'
import { createBrevo } from './index.ts'
import { toUuid } from './send.ts'

const messageId = '<202611201000.1@smtp-relay.mailin.fr>'
const accepts = respond(201, JSON.stringify({ messageId }))
const account = respond(
  200,
  JSON.stringify({
    email: 'owner@example.com',
    plan: [
      { type: 'free', credits: 120, creditsType: 'sendLimit' },
      { type: 'sms', credits: 5, creditsType: 'sendLimit' },
    ],
    relay: { enabled: true },
  }),
)
const credentialsWith = (value: unknown) => ({ api_key: value })
const connectionTo = (port: number) => ({
  credentials: credentialsWith('xkeysib-1'),
  settings: { base_url: `http://127.0.0.1:${port}` },
})

describeProvider('brevo', createBrevo, {
  connectionTo,
  credentialsWith,
  play: playBehaviour({
    accepts: (response, exchange) => (exchange.method === 'GET' ? account : accepts)(response, exchange),
    refusesCredentials: respond(401, '{"code":"unauthorized","message":"Key not found"}'),
    asksToWait: respond(429, '{"code":"too_many_requests"}', { 'x-sib-ratelimit-reset': '30' }),
  }),
})

const adapter = setUpAdapter({ create: createBrevo, connectionTo, accepts, providerMessageId: messageId })
const { bodyOf, check, exchanged, unsent } = adapter

const rich = buildOutboundMessage({
  attemptKey: 'msg_1-0.1.2',
  from: { address: 'writer@example.com', name: 'Writer, The "Boss"' },
  to: [{ address: 'reader@example.org', name: 'Zoë Größe' }, { address: 'second@example.org' }],
  cc: [{ address: 'copy@example.net', name: 'Ünal, Ö' }],
  bcc: [{ address: 'hidden@example.net' }],
  replyTo: [{ address: 'answers@example.com', name: 'Answers' }],
  envelopeTo: ['reader@example.org', 'second@example.org', 'copy@example.net', 'hidden@example.net'],
  subject: 'Grüße 👋',
  headers: { 'List-Unsubscribe': '<https://example.com/u>' },
  tags: ['welcome', 'second'],
  metadata: { order: '7', city: 'Zürich & Bern' },
  attachments: [
    {
      filename: 'Report 1.PDF',
      contentType: 'application/pdf',
      disposition: 'attachment',
      contentId: 'unused',
      content: Buffer.from('pdf'),
    },
  ],
})
const richBody = {
  sender: { email: 'writer@example.com', name: 'Writer, The "Boss"' },
  to: [{ email: 'reader@example.org', name: 'Zoë Größe' }, { email: 'second@example.org' }],
  cc: [{ email: 'copy@example.net', name: '=?UTF-8?B?w5xuYWwsIMOW?=' }],
  bcc: [{ email: 'hidden@example.net' }],
  replyTo: { email: 'answers@example.com', name: 'Answers' },
  subject: 'Grüße 👋',
  textContent: 'Hello, reader.\n',
  htmlContent: '<p>Hello, <b>reader</b>.</p>\n',
  headers: {
    'List-Unsubscribe': '<https://example.com/u>',
    'X-LG-Id': rich.id,
    'X-Mailin-custom': `lg_id=${rich.id}&order=7&city=Z%C3%BCrich+%26+Bern`,
    idempotencyKey: '2089414d-07fa-58c5-abc3-08fa61641d10',
  },
  attachment: [{ name: 'Report 1.PDF', content: 'cGRm' }],
  tags: ['welcome', 'second'],
}

describe('the request', () => {
  test('has the whole message and the API key', async () => {
    const [exchange] = await exchanged(rich)
    expect(exchange).toMatchObject({
      method: 'POST',
      path: '/smtp/email',
      headers: { 'api-key': 'xkeysib-1', accept: 'application/json', 'content-type': 'application/json' },
    })
    expect(JSON.parse(exchange?.body ?? '')).toEqual(richBody)
  })

  test('of a minimal message has no other field', async () => {
    const body = await bodyOf({ html: undefined, text: '', from: { address: 'writer@example.com' } })
    expect(body).toEqual({
      sender: { email: 'writer@example.com' },
      to: [{ email: 'reader@example.org' }],
      subject: 'Hello',
      textContent: '',
      headers: {
        'X-LG-Id': rich.id,
        'X-Mailin-custom': `lg_id=${rich.id}`,
        idempotencyKey: toUuid('attempt-1'),
      },
    })
  })

  test('equals the request of the official SDK', async () => {
    const [ours, theirs] = await exchanged(rich, {
      also: (port) =>
        new BrevoClient({
          apiKey: 'xkeysib-1',
          baseUrl: `http://127.0.0.1:${port}`,
          maxRetries: 0,
        }).transactionalEmails.sendTransacEmail(richBody),
    })
    expect(theirs?.path).toBe(ours?.path)
    for (const name of ['api-key', 'content-type']) expect(theirs?.headers[name]).toBe(ours?.headers[name])
    expect(JSON.parse(theirs?.body ?? '')).toEqual(JSON.parse(ours?.body ?? ''))
  })

  test('of a repeat is the same byte for byte', async () => {
    const [first, second] = await exchanged(rich, { times: 2 })
    expect(first?.bytes.equals(second?.bytes ?? Buffer.alloc(0))).toBe(true)
  })

  test('leaves out recipients that were reached before', async () => {
    const body = await bodyOf({
      to: [{ address: 'a@example.org' }, { address: 'b@example.org' }],
      cc: [{ address: 'c@example.org' }],
      bcc: [{ address: 'd@example.org' }],
      envelopeTo: ['b@example.org', 'd@example.org'],
    })
    expect([body.to, body.cc, body.bcc]).toEqual([
      [{ email: 'b@example.org' }],
      undefined,
      [{ email: 'd@example.org' }],
    ])
  })
})

describe('the idempotency key', () => {
  test('is a UUID, and the same for the same attempt only', () => {
    const keys = ['msg_1-0', 'msg_1-0.1', 'msg_2-0', ''].map(toUuid)
    for (const key of keys)
      expect(key).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(new Set(keys).size).toBe(4)
    // A change of this value would send twice what a worker of another version began.
    expect(toUuid('msg_1-0')).toBe('632f4f65-f9d8-50a3-9685-35d44afab894')
  })

  test('is promised for the shorter of the two times in Brevo’s documentation', () => {
    expect(createBrevo().capabilities.idempotencyWindowMs).toBe(15 * 60_000)
  })
})

describe('the metadata that comes back with events', () => {
  const headersOf = async (metadata: Record<string, string>) => (await bodyOf({ metadata })).headers

  test('is plain ASCII, and reads back as the given value', async () => {
    const metadata = { city: 'Zürich\n\\u00e9', emoji: '👋', lg_id: 'forged' }
    const text = (await headersOf(metadata))['X-Mailin-custom']
    expect(text).toMatch(/^[\x21-\x7e]+$/)
    expect([...new URLSearchParams(text)]).toEqual([['lg_id', rich.id], ...Object.entries(metadata)])
  })

  test('continues in further lines if it is too long for one', async () => {
    const metadata = { long: 'é'.repeat(500), short: 'x', big: 'y'.repeat(1024) }
    const headers = await headersOf(metadata)
    for (const value of Object.values(headers)) expect(String(value).length).toBeLessThanOrEqual(900)
    expect(headers['X-Mailin-custom']).toBe(`lg_id=${rich.id}&short=x`)
    const further = Object.keys(headers).filter((name) => name.startsWith('X-LG-Metadata-'))
    const text = further.map((name) => headers[name]).join('')
    expect(Object.fromEntries(new URLSearchParams(text))).toEqual({ long: metadata.long, big: metadata.big })
  })
})

describe('a message that Brevo cannot express is not sent', () => {
  const file = (changes: object) => ({
    attachments: [
      {
        filename: 'a.pdf',
        contentType: 'application/pdf',
        disposition: 'attachment' as const,
        content: Buffer.from('x'),
        ...changes,
      },
    ],
  })
  const named = (name: string) => ({ from: { address: 'writer@example.com', name } })

  test.each<[string, Partial<OutboundMessage>]>([
    ['two addresses in Reply-To', { replyTo: [{ address: 'a@b.example' }, { address: 'c@b.example' }] }],
    ['a garbled name in Reply-To', { replyTo: [{ address: 'a@b.example', name: 'Ünal, Ö' }] }],
    ['a long name', named('x'.repeat(71))],
    ['a name that encoding makes long', named(`${'ü'.repeat(40)}, x`)],
    ['a subject with a word longer than a line', { subject: 'x'.repeat(998) }],
    ['an inline image', file({ filename: 'a.png', disposition: 'inline', contentId: 'a' })],
    ['an unknown ending', file({ filename: 'a.bin' })],
    ['no ending', file({ filename: 'pdf' })],
    ['a file name beyond ASCII', file({ filename: 'Größe.pdf' })],
    ['a header value beyond ASCII', { headers: { 'X-Note': 'naïve' } }],
    ['an encoded header value', { headers: { 'X-Note': '=?utf-8?Q?na=C3=AFve?=' } }],
    ['an escaped header value', { headers: { 'X-Note': 'na\\u00efve' } }],
    ['an order to Brevo', { headers: { 'Sender.IP': '192.0.2.1' } }],
    ['another idempotency key', { headers: { IdempotencyKey: 'x' } }],
    [
      'several copies alone',
      {
        bcc: [{ address: 'd@example.org' }, { address: 'e@example.org' }],
        envelopeTo: ['d@example.org', 'e@example.org'],
      },
    ],
  ])('%s', async (_what, changes) => {
    expect(await unsent(changes)).toMatchObject({
      kind: 'rejected',
      scope: 'account',
      code: 'provider-cannot-express',
    })
  })

  test.each<[string, Partial<OutboundMessage>]>([
    ['a name of 70 characters', named('x'.repeat(70))],
    ['a name beyond ASCII in Reply-To', { replyTo: [{ address: 'a@b.example', name: 'Zoë' }] }],
    ['an empty name', named('')],
    ['every ending in capitals', file({ filename: 'A, B.XLSM' })],
  ])('but %s is', async (_what, changes) => {
    expect(await exchanged(buildOutboundMessage(changes))).toHaveLength(1)
  })
})

describe('check()', () => {
  test('asks for the account, and reports the remaining credits of its mail plan', async () => {
    const { report, got } = await check(account)
    expect(got.map(({ method, path }) => `${method} ${path}`)).toEqual(['GET /account'])
    expect(report).toEqual({ problem: null, notes: ['The free plan has 120 sends left.'] })
  })

  adapter.testCheckProblems([
    [200, '<html>', 'provider-settings-wrong'],
    [200, '{"plan":[],"relay":{"enabled":false}}', 'provider-account-suspended'],
    [401, '{"code":"unauthorized"}', 'provider-credentials-refused'],
    [401, '{"code":"unauthorized","message":"unrecognised IP address"}', 'provider-permission-missing'],
    [403, '{"code":"permission_denied"}', 'provider-permission-missing'],
    [402, '{"code":"account_under_validation"}', 'provider-account-suspended'],
    [404, '', 'provider-settings-wrong'],
    [429, '{}', 'provider-rate-limited'],
    [500, '{}', 'provider-unavailable'],
  ])
})

adapter.testEgressRefusal()
adapter.testTargets([[{}, 'api.brevo.com']])
adapter.testHeaderSecret(credentialsWith)
