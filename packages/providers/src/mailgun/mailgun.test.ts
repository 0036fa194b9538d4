import Mailgun from 'mailgun.js'
import { describe, expect, test } from 'vitest'
import { setUpAdapter, testUnknownSuccesses } from '../../test/adapter.ts'
import { describeProvider } from '../../test/conformance.ts'
import { type Exchange, playBehaviour, respond } from '../../test/http-peer.ts'
import { buildOutboundMessage } from '../../test/io.ts'
import { buildMime } from '../lib/mime.ts'
import { createMailgun } from './index.ts'
import { toOutcome } from './outcome.ts'

const id = '20261120100000.1.ABCDEF@mg.example.com'
const accepts = respond(200, JSON.stringify({ id: `<${id}>`, message: 'Queued. Thank you.' }))
const domain = (more: object) => JSON.stringify({ domain: { name: 'mg.example.com', ...more } })
const forbidden = respond(401, 'Forbidden', { 'content-type': 'text/plain' })
const connectionTo = (port: number) => ({
  credentials: { api_key: 'key-123' },
  settings: { domain: 'mg.example.com', region: 'eu', base_url: `http://127.0.0.1:${port}` },
})

describeProvider('mailgun', createMailgun, {
  connectionTo,
  credentialsWith: (value) => ({ api_key: value }),
  play: playBehaviour({
    accepts: (response, exchange) =>
      (exchange.method === 'GET' ? respond(200, domain({ state: 'active' })) : accepts)(response, exchange),
    refusesCredentials: forbidden,
    asksToWait: respond(429, '{"message":"slow down"}', { 'retry-after': '30' }),
  }),
})

const adapter = setUpAdapter({ create: createMailgun, connectionTo, accepts, providerMessageId: id })
const { exchanged, start } = adapter

/** The fields of a form in order, read by the parser of the platform; files as their bytes. */
async function formOf(exchange: Exchange | undefined): Promise<[string, string][]> {
  const headers = { 'content-type': exchange?.headers['content-type'] ?? '' }
  const form = await new Response(new Uint8Array(exchange?.bytes ?? []), { headers }).formData()
  return Promise.all(
    [...form].map(
      async ([name, value]): Promise<[string, string]> => [
        name,
        typeof value === 'string' ? value : Buffer.from(await value.arrayBuffer()).toString('latin1'),
      ],
    ),
  )
}

const rich = buildOutboundMessage({
  from: { address: 'writer@example.com', name: 'Größe, "The" Writer' },
  to: [{ address: 'reader@example.org', name: 'Reader, First' }],
  cc: [{ address: 'copy@example.net', name: 'Größe 2' }],
  bcc: [{ address: 'hidden@example.net' }],
  replyTo: [{ address: 'answers@example.com' }, { address: 'more@example.com' }],
  envelopeTo: ['reader@example.org', 'copy@example.net', 'hidden@example.net'],
  subject: 'Grüße',
  text: '',
  headers: { 'List-Unsubscribe': '<https://example.com/u>', 'X-Note': 'größer' },
  tags: ['welcome', 'größe/1'],
  metadata: { order: 'not for recipients' },
  attachments: [
    {
      filename: 'logo.png',
      contentType: 'image/png',
      disposition: 'inline',
      contentId: 'logo',
      content: Buffer.from([0, 13, 10, 255]),
    },
    {
      filename: 'größe.csv',
      contentType: 'text/csv; charset=utf-8',
      disposition: 'attachment',
      content: Buffer.from('a'),
    },
  ],
})

describe('the request', () => {
  test('is the mail itself, with its recipients and the metadata of its events', async () => {
    const [exchange] = await exchanged(rich)
    expect(exchange).toMatchObject({
      method: 'POST',
      path: '/v3/mg.example.com/messages.mime',
      headers: {
        authorization: `Basic ${Buffer.from('api:key-123').toString('base64')}`,
        'content-type': `multipart/form-data; boundary=lettergate-${rich.id}`,
        'user-agent': 'Lettergate',
      },
    })
    expect(await formOf(exchange)).toEqual([
      ['to', 'reader@example.org,copy@example.net,hidden@example.net'],
      ['v:lg_id', rich.id],
      ['o:tag', 'welcome'],
      ['o:tag', 'gr__e/1'],
      ['message', (await buildMime(rich)).toString('latin1')],
    ])
  })

  test('of a small message has no other field, byte for byte', async () => {
    const message = buildOutboundMessage({ html: undefined })
    const [exchange] = await exchanged(message)
    const boundary = `--lettergate-${message.id}`
    expect(exchange?.body.split('\r\n')).toEqual([
      boundary,
      'Content-Disposition: form-data; name="to"',
      '',
      'reader@example.org',
      boundary,
      'Content-Disposition: form-data; name="v:lg_id"',
      '',
      message.id,
      boundary,
      'Content-Disposition: form-data; name="message"; filename="message.eml"',
      'Content-Type: message/rfc822',
      '',
      `X-LG-Id: ${message.id}`,
      'From: The Writer <writer@example.com>',
      'To: reader@example.org',
      'Subject: Hello',
      `Message-ID: <${message.id}@example.com>`,
      'Date: Fri, 20 Nov 2026 10:00:00 +0000',
      'Content-Transfer-Encoding: 7bit',
      'MIME-Version: 1.0',
      'Content-Type: text/plain; charset=utf-8',
      '',
      'Hello, reader.',
      '',
      `${boundary}--`,
      '',
    ])
  })

  test('shows no recipient the blind copies or the metadata', async () => {
    const [exchange] = await exchanged(rich)
    const fields = await formOf(exchange)
    expect(fields.find(([name]) => name === 'message')?.[1]).not.toContain('hidden@')
    expect(exchange?.body).not.toContain('not for recipients')
  })

  test('equals the request of the official SDK', async () => {
    const also = async (port: number) =>
      new Mailgun(FormData)
        .client({ username: 'api', key: 'key-123', url: `http://127.0.0.1:${port}` })
        .messages.create('mg.example.com', {
          to: rich.envelopeTo.join(','),
          'v:lg_id': rich.id,
          'o:tag': ['welcome', 'gr__e/1'],
          message: await buildMime(rich),
        })
    const [ours, theirs] = await exchanged(rich, { also })
    expect(ours?.path).toBe(theirs?.path)
    expect(ours?.headers.authorization).toBe(theirs?.headers.authorization)
    // The order of the fields is its own, the name of the file too.
    expect((await formOf(ours)).toSorted()).toEqual((await formOf(theirs)).toSorted())
  })

  test('a repeat is the same byte for byte', async () => {
    const [first, second] = await exchanged(rich, { times: 2 })
    expect(first?.bytes).toEqual(second?.bytes)
  })

  test('recipients that were reached before are left out of the envelope, and stay in the fields of the mail', async () => {
    const message = buildOutboundMessage({
      to: [{ address: 'a@example.org' }, { address: 'b@example.org' }],
      bcc: [{ address: 'c@example.org' }],
      envelopeTo: ['c@example.org'],
    })
    const [exchange] = await exchanged(message)
    const fields = new Map(await formOf(exchange))
    expect(fields.get('to')).toBe('c@example.org')
    expect(fields.get('message')).toContain('To: a@example.org, b@example.org\r\n')
  })

  test('tags beyond the tenth are joined into the tenth', async () => {
    const tags = Array.from({ length: 12 }, (_, at) => `t${at}`)
    const [exchange] = await exchanged(buildOutboundMessage({ tags }))
    const sent = (await formOf(exchange)).filter(([name]) => name === 'o:tag').map(([, tag]) => tag)
    expect(sent).toEqual([...tags.slice(0, 9), 't9,t10,t11'])
  })
})

describe('answers', () => {
  const now = new Date('2026-11-20T10:00:00Z')
  const answer = (status: number, body: string, headers: Record<string, string> = {}) =>
    toOutcome({ status, headers, body: Buffer.from(body) }, now)
  const said = (message: string) => JSON.stringify({ message })
  const notAllowed = 'Domain example.com is not allowed to send: '

  test.each([
    [429, 'too many requests', 'provider-rate-limited'],
    [
      429,
      `${notAllowed}bytes limit exceeded, try again after Fri, 20 Nov 2026 10:02:00 UTC`,
      'provider-rate-limited',
    ],
    [
      420,
      `${notAllowed}recipient limit exceeded, try again after Fri, 20 Nov 2026 10:02:00 UTC`,
      'provider-rate-limited',
    ],
    [
      403,
      `${notAllowed}request limit exceeded, try again after Fri, 20 Nov 2026 10:02:00 UTC`,
      'provider-rate-limited',
    ],
    [403, `${notAllowed}You've exceeded your message limit`, 'provider-quota-used-up'],
    [402, 'You have reached your monthly limit', 'provider-quota-used-up'],
    [408, '', 'provider-unavailable'],
    [401, '', 'provider-credentials-refused'],
    [402, 'Request Failed', 'provider-account-suspended'],
    [400, `${notAllowed}Sandbox subdomains are for test purposes only.`, 'provider-sandbox'],
    [403, `${notAllowed}Free accounts are for test purposes only.`, 'provider-sandbox'],
    [403, 'Domain example is not allowed to send large batches yet', 'provider-sandbox'],
    [400, `${notAllowed}The domain is unverified and requires DNS configuration.`, 'provider-sender-refused'],
    [400, `${notAllowed}Please activate your Mailgun account.`, 'provider-account-suspended'],
    [403, `${notAllowed}Your account is disabled`, 'provider-account-suspended'],
    [403, "Rejected: IP 1.2.3.4 can't be used to send the message", 'provider-permission-missing'],
    [404, 'Domain not found: example.com', 'provider-settings-wrong'],
    [405, '', 'provider-settings-wrong'],
    [307, '', 'provider-settings-wrong'],
    [413, 'request size exceeds 52.4MiB limit', 'message-too-large'],
    [400, 'to parameter is not a valid address. please check documentation', 'recipient-refused'],
    [
      400,
      'Send options (parameters starting with o:, h:, or v:) are limited to 16 kB total',
      'message-refused',
    ],
    [400, 'Too many recipients, max is 1000', 'message-refused'],
    [422, '', 'refusal-unrecognised'],
    [500, 'Internal Server Error', 'outcome-unknown'],
    [502, '', 'outcome-unknown'],
    [503, 'limit exceeded, try again', 'outcome-unknown'],
    [504, '', 'outcome-unknown'],
  ])('%d %s means %s', (status, message, code) => {
    expect(answer(status, said(message))).toMatchObject({ code })
  })

  const late = said(`${notAllowed}request limit exceeded, try again after Fri, 20 Nov 2026 10:02:00 UTC`)
  test.each([
    [late, {}, 120_000],
    [late, { 'retry-after': '30' }, 30_000],
    [late.replace('10:02:00', '09:00:00'), {}, 1000],
    [late.replace('10:02:00', '23:00:00'), {}, 3_600_000],
    [late.replace('Fri, 20 Nov 2026 10:02:00 UTC', 'a while'), {}, undefined],
    ['{"retry-seconds":60}', {}, 60_000],
    ['{"retry-seconds":"soon"}', {}, undefined],
    ['{}', { 'retry-after': 'Fri, 20 Nov 2026 10:03:00 GMT' }, 180_000],
    ['', {}, undefined],
  ])('429 %s with %o waits %s ms', (body, headers, waitMs) => {
    const outcome = answer(429, body, headers)
    expect(outcome.kind === 'deferred' && outcome.retryAfterMs).toBe(waitMs)
  })

  test('a refusal in plain text is repeated as the reason, on one short line', () => {
    expect(answer(401, 'Forbidden\r\n')).toMatchObject({ reason: '401 Forbidden ' })
    const { reason } = { reason: '', ...answer(401, 'x'.repeat(900_000)) }
    expect(reason.length).toBe(500)
  })

  testUnknownSuccesses(
    (body) => answer(200, body),
    [...['{"id":5}', '{"id":""}', '{"message":"Queued. Thank you."}']],
  )

  test('the welcome page of the API is no success: no mail was accepted', () => {
    expect(answer(200, '"Mailgun Magnificent API"')).toMatchObject({ code: 'provider-settings-wrong' })
  })

  test('an id without brackets is used unchanged', () => {
    expect(answer(200, '{"id":"a@b"}')).toEqual({ kind: 'accepted', providerMessageId: 'a@b' })
  })
})

describe('the check', () => {
  async function report(get: ReturnType<typeof respond>, post = forbidden) {
    const { peer, check } = await start((response, exchange) =>
      (exchange.method === 'GET' ? get : post)(response, exchange),
    )
    const answer = await check()
    expect(peer.got[0]).toMatchObject({ method: 'GET', path: '/v4/domains/mg.example.com' })
    return { answer, got: peer.got }
  }

  test.each([
    [
      { state: 'active', type: 'custom' },
      { problem: null, sandbox: false, identities: ['mg.example.com'] },
    ],
    [
      { state: 'active', type: 'sandbox' },
      { problem: null, sandbox: true },
    ],
    [{}, { problem: null }],
    [{ state: 'unverified' }, { problem: { code: 'provider-sender-refused' } }],
    [{ state: 'disabled' }, { problem: { code: 'provider-account-suspended' } }],
    [{ state: 'active', is_disabled: true }, { problem: { code: 'provider-account-suspended' } }],
    [{ name: 5 }, { problem: { code: 'provider-settings-wrong' } }],
  ])('a domain that is %o gives %o', async (more, expected) => {
    const { answer, got } = await report(respond(200, domain(more)))
    expect(answer).toMatchObject(expected)
    expect(got.length).toBe(1)
  })

  test.each([401, 403])('a sending key with the answer %d is checked without sending', async (status) => {
    const missing = respond(400, '{"message":"to parameter is missing"}')
    const { answer, got } = await report(respond(status, 'Forbidden'), missing)
    expect(answer).toEqual({ problem: null, notes: [expect.stringMatching(/may only send/)] })
    expect(got[1]?.path).toBe('/v3/mg.example.com/messages.mime')
    expect(await formOf(got[1])).toEqual([['o:testmode', 'yes']])
  })

  test('a sending key of a domain that may not send is reported with the reason', async () => {
    const unverified = respond(400, '{"message":"The domain is unverified and requires DNS configuration."}')
    expect((await report(forbidden, unverified)).answer.problem?.code).toBe('provider-sender-refused')
  })

  test('a key that both checks refuse is refused, with the hint that it may be a key of the other region', async () => {
    const { problem } = (await report(forbidden)).answer
    expect(problem?.code).toBe('provider-credentials-refused')
    expect(problem?.advice.join(' ')).toMatch(/sending keys.*us or eu/)
  })

  test('a domain that is unknown in this region is a wrong setting', async () => {
    const { answer } = await report(respond(404, '{"message":"Domain not found"}'))
    expect(answer.problem).toMatchObject({ code: 'provider-settings-wrong' })
    expect(answer.problem?.advice.join(' ')).toMatch(/us or eu/)
  })
})

adapter.testEgressRefusal()
const inDomain = (settings: object) => ({ domain: 'mg.example.com', ...settings })
adapter.testTargets([
  [inDomain({}), 'api.mailgun.net'],
  [inDomain({ region: 'us' }), 'api.mailgun.net'],
  [inDomain({ region: 'eu' }), 'api.eu.mailgun.net'],
  [inDomain({ region: 'eu', base_url: 'https://proxy.example/x' }), 'proxy.example'],
])
adapter.testRefusedSettings(
  [
    ...['a/b.example', 'mg.example.com/', 'mg.example.com%2f', '..', 'example', 'Mg.example.com', ''],
    ...['-a.example', 'a.example?x', 'a.example\r\n', 'größe.example', `${'a.'.repeat(130)}example`],
  ].map((domain) => ({ domain })),
)
adapter.testHeaderSecret((api_key) => ({ api_key }))
