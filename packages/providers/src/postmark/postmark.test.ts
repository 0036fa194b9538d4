import { ServerClient } from 'postmark'
import { describe, expect, test } from 'vitest'
import { setUpAdapter } from '../../test/adapter.ts'
import { describeProvider } from '../../test/conformance.ts'
import { playBehaviour, respond } from '../../test/http-peer.ts'
import { buildOutboundMessage } from '../../test/io.ts'
import { createPostmark } from './index.ts'

const id = '0a129aee-e1cd-480d-b08d-4f48548ff48d'
const accepts = respond(200, JSON.stringify({ MessageID: id, ErrorCode: 0, Message: 'OK' }))
const server = (DeliveryType: string) =>
  respond(200, JSON.stringify({ ID: 1, Name: 'Main', ApiTokens: ['hidden-token'], DeliveryType }))
const credentialsWith = (value: unknown) => ({ server_token: value })
const connectionTo = (port: number) => ({
  credentials: credentialsWith('token-1'),
  settings: { base_url: `http://127.0.0.1:${port}`, message_stream: 'broadcast' },
})

describeProvider('postmark', createPostmark, {
  connectionTo,
  credentialsWith,
  play: playBehaviour({
    accepts: (response, exchange) =>
      (exchange.method === 'GET' ? server('Live') : accepts)(response, exchange),
    refusesCredentials: respond(401, '{"ErrorCode":10,"Message":"No Account or Server API tokens"}'),
    asksToWait: respond(429, '{"ErrorCode":429,"Message":"Rate Limit Exceeded"}'),
  }),
})

const adapter = setUpAdapter({ create: createPostmark, connectionTo, accepts, providerMessageId: id })
const { bodyOf, check, exchanged } = adapter

const rich = buildOutboundMessage({
  from: { address: 'writer@example.com', name: 'Writer, The "Boss"' },
  to: [{ address: 'reader@example.org', name: 'Zoë Größe' }, { address: 'second@example.org' }],
  cc: [{ address: 'copy@example.net', name: 'Ünal, Ö' }],
  bcc: [{ address: 'hidden@example.net' }],
  replyTo: [{ address: 'answers@example.com', name: 'Answers' }, { address: 'more@example.com' }],
  envelopeTo: ['reader@example.org', 'second@example.org', 'copy@example.net', 'hidden@example.net'],
  subject: 'Grüße 👋',
  html: '<img src="cid:logo">',
  headers: { 'List-Unsubscribe': '<https://example.com/u>', 'X-Note': 'naïve' },
  tags: ['welcome', 'second'],
  metadata: { order: '7', city: 'Zürich' },
  attachments: [
    {
      filename: 'logo.png',
      contentType: 'image/png',
      disposition: 'inline',
      contentId: 'logo',
      content: Buffer.from('png'),
    },
    {
      filename: 'Größe.pdf',
      contentType: 'application/pdf',
      disposition: 'attachment',
      contentId: 'unused',
      content: Buffer.from('pdf'),
    },
  ],
})
const richBody = {
  From: '"Writer, The \\"Boss\\"" <writer@example.com>',
  To: 'Zoë Größe <reader@example.org>, second@example.org',
  Cc: '"Ünal, Ö" <copy@example.net>',
  Bcc: 'hidden@example.net',
  ReplyTo: 'Answers <answers@example.com>, more@example.com',
  Subject: 'Grüße 👋',
  TextBody: 'Hello, reader.\n',
  HtmlBody: '<img src="cid:logo">',
  Tag: 'welcome',
  Metadata: { lg_id: rich.id, lg_tags: 'second', order: '7', city: 'Zürich' },
  Headers: [
    { Name: 'List-Unsubscribe', Value: '<https://example.com/u>' },
    { Name: 'X-Note', Value: 'naïve' },
    { Name: 'X-LG-Id', Value: rich.id },
  ],
  Attachments: [
    { Name: 'logo.png', ContentType: 'image/png', Content: 'cG5n', ContentID: 'cid:logo' },
    { Name: 'Größe.pdf', ContentType: 'application/pdf', Content: 'cGRm' },
  ],
  MessageStream: 'broadcast',
}

describe('the request', () => {
  test('has the whole message and the server token', async () => {
    const [exchange] = await exchanged(rich)
    expect(exchange).toMatchObject({
      method: 'POST',
      path: '/email',
      headers: {
        'x-postmark-server-token': 'token-1',
        accept: 'application/json',
        'content-type': 'application/json',
      },
    })
    expect(JSON.parse(exchange?.body ?? '')).toEqual(richBody)
  })

  test('of a minimal message has no other field', async () => {
    const body = await bodyOf({ text: undefined, html: '', from: { address: 'writer@example.com' } })
    expect(body).toEqual({
      From: 'writer@example.com',
      To: 'reader@example.org',
      Subject: 'Hello',
      HtmlBody: '',
      Metadata: { lg_id: rich.id },
      Headers: [{ Name: 'X-LG-Id', Value: rich.id }],
      MessageStream: 'broadcast',
    })
  })

  test('equals the request of the official SDK', async () => {
    const [ours, theirs] = await exchanged(rich, {
      also: (port) => {
        const client = new ServerClient('token-1', { requestHost: `127.0.0.1:${port}`, useHttps: false })
        return client.sendEmail({
          ...richBody,
          Attachments: richBody.Attachments.map((attachment) => ({ ContentID: null, ...attachment })),
        })
      },
    })
    expect(theirs?.path).toBe(ours?.path)
    for (const name of ['x-postmark-server-token', 'accept', 'content-type'])
      expect(theirs?.headers[name]).toBe(ours?.headers[name])
    // The SDK's type wants a ContentID in every attachment; null says the same as none.
    const withoutNull = JSON.parse(theirs?.body ?? '', (_key, value) => (value === null ? undefined : value))
    expect(withoutNull).toEqual(JSON.parse(ours?.body ?? ''))
  })

  test('a subject with a word longer than a line is sent as encoded words that can be folded', async () => {
    const subject = 'x'.repeat(998)
    expect((await bodyOf({ subject })).Subject).toMatch(/^(?:=\?UTF-8\?Q\?x+\?= ?)+$/)
    expect((await bodyOf({ subject: 'é'.repeat(998) })).Subject).toBe('é'.repeat(998))
  })

  test('of a repeat is the same byte for byte', async () => {
    const [first, second] = await exchanged(rich, { times: 2 })
    expect(first?.bytes.equals(second?.bytes ?? Buffer.alloc(0))).toBe(true)
  })

  test.each([
    [['b@example.org'], { To: 'b@example.org' }],
    [['c@example.org'], { Cc: 'c@example.org' }],
    [['d@example.org'], { Bcc: 'd@example.org' }],
  ])('leaves out recipients that were reached before: to %j only', async (envelopeTo, fields) => {
    const { To, Cc, Bcc } = await bodyOf({
      to: [{ address: 'a@example.org' }, { address: 'b@example.org' }],
      cc: [{ address: 'c@example.org' }],
      bcc: [{ address: 'd@example.org' }],
      envelopeTo,
    })
    expect({ To, Cc, Bcc }).toEqual(fields)
  })
})

describe('check()', () => {
  test('asks for the server, and shows no token of it', async () => {
    const { report, got } = await check(server('Live'))
    expect(got.map(({ method, path }) => `${method} ${path}`)).toEqual(['GET /server'])
    expect(report).toEqual({ problem: null, sandbox: false, notes: [] })
  })

  test('warns that a sandbox server delivers nothing', async () => {
    const { report } = await check(server('Sandbox'))
    expect(report).toMatchObject({ problem: null, sandbox: true, notes: [expect.stringMatching(/none/)] })
    expect(JSON.stringify(report)).not.toContain('hidden-token')
  })

  adapter.testCheckProblems([
    [200, '<html>', 'provider-settings-wrong'],
    [401, '{"ErrorCode":10}', 'provider-credentials-refused'],
    [403, '<html>', 'provider-permission-missing'],
    [404, '', 'provider-settings-wrong'],
    [429, '{}', 'provider-rate-limited'],
    [500, '{}', 'provider-unavailable'],
    [503, '{"ErrorCode":100}', 'provider-unavailable'],
  ])
})

adapter.testEgressRefusal()
adapter.testTargets([[{}, 'api.postmarkapp.com']])
adapter.testHeaderSecret(credentialsWith)
adapter.testRefusedSettings(
  ['Upper', '1st', 'with space', 'x'.repeat(31), ''].map((message_stream) => ({ message_stream })),
)
