import sdkClient from '@sendgrid/client'
import sdk from '@sendgrid/mail'
import { describe, expect, test } from 'vitest'
import { setUpAdapter } from '../../test/adapter.ts'
import { describeProvider } from '../../test/conformance.ts'
import { playBehaviour, respond } from '../../test/http-peer.ts'
import { buildOutboundMessage } from '../../test/io.ts'
import { createSendgrid } from './index.ts'

const id = '14c5d75ce93.dfd.64b469'
const accepts = respond(202, '', { 'x-message-id': id })
const scopes = (...names: string[]) => respond(200, JSON.stringify({ scopes: names }))
const refusal = (message: string, field: string | null = null) =>
  JSON.stringify({ errors: [{ message, field, help: null }] })
const revoked = refusal('The provided authorization grant is invalid, expired, or revoked')
const credentialsWith = (value: unknown) => ({ api_key: value })
const connectionTo = (port: number) => ({
  credentials: credentialsWith('SG.123'),
  settings: { base_url: `http://127.0.0.1:${port}`, region: 'eu' },
})

describeProvider('sendgrid', createSendgrid, {
  connectionTo,
  credentialsWith,
  play: playBehaviour({
    accepts: (response, exchange) =>
      (exchange.method === 'GET' ? scopes('mail.send') : accepts)(response, exchange),
    refusesCredentials: respond(401, revoked),
    asksToWait: respond(429, refusal('too many requests'), { 'x-ratelimit-reset': '1795168830' }),
  }),
})

const adapter = setUpAdapter({ create: createSendgrid, connectionTo, accepts, providerMessageId: id })
const { bodyOf, check, exchanged, unsent } = adapter

const rich = buildOutboundMessage({
  from: { address: 'writer@example.com', name: 'Größe, "The" Writer' },
  to: [{ address: 'reader@example.org', name: 'Reader, First' }, { address: 'second@example.org' }],
  cc: [{ address: 'copy@example.net', name: 'Größe 2' }],
  bcc: [{ address: 'hidden@example.net', name: 'Bob "B" O’Hara' }],
  replyTo: [{ address: 'answers@example.com', name: 'Answers; all' }, { address: 'more@example.com' }],
  envelopeTo: ['reader@example.org', 'second@example.org', 'copy@example.net', 'hidden@example.net'],
  subject: 'Grüße, "Leser"',
  headers: { 'List-Unsubscribe': '<https://example.com/u>', 'X-Note': 'größer', 'X-Empty': '' },
  tags: ['welcome', 'a:b.c'],
  metadata: { email: 'not SendGrid’s own', 'order.id': '7' },
  attachments: [
    {
      filename: 'logo.png',
      contentType: 'image/png',
      disposition: 'inline',
      contentId: 'logo',
      content: Buffer.from('png'),
    },
    {
      filename: 'größe.ics',
      contentType: 'text/calendar; charset="UTF-8"; method=Request',
      disposition: 'attachment',
      content: Buffer.from('ics'),
    },
    {
      filename: 'amp.html',
      contentType: 'text/x-amp-html; charset=utf-8',
      disposition: 'attachment',
      content: Buffer.from('<html ⚡4email>'),
    },
  ],
})

const richBody = {
  personalizations: [
    {
      to: [{ email: 'reader@example.org', name: '"Reader, First"' }, { email: 'second@example.org' }],
      cc: [{ email: 'copy@example.net', name: 'Größe 2' }],
      bcc: [{ email: 'hidden@example.net', name: '"Bob \\"B\\" O’Hara"' }],
    },
  ],
  from: { email: 'writer@example.com', name: 'Größe, "The" Writer' },
  reply_to_list: [{ email: 'answers@example.com', name: 'Answers; all' }, { email: 'more@example.com' }],
  subject: 'Grüße, "Leser"',
  content: [
    { type: 'text/plain', value: 'Hello, reader.\n' },
    { type: 'text/html', value: '<p>Hello, <b>reader</b>.</p>\n' },
    { type: 'text/x-amp-html', value: '<html ⚡4email>' },
    { type: 'text/calendar; method=REQUEST', value: 'ics' },
  ],
  attachments: [
    { content: 'cG5n', type: 'image/png', filename: 'logo.png', disposition: 'inline', content_id: 'logo' },
    {
      content: 'aWNz',
      type: 'application/ics',
      filename: 'größe.ics',
      disposition: 'attachment',
    },
  ],
  headers: {
    'List-Unsubscribe': '<https://example.com/u>',
    'X-Note': '=?UTF-8?B?Z3LDtsOfZXI=?=',
    'X-Empty': '',
    'X-LG-Id': rich.id,
  },
  categories: ['welcome', 'a:b.c'],
  custom_args: { lg_id: rich.id, lg_m_email: 'not SendGrid’s own', 'lg_m_order.id': '7' },
}

describe('the request', () => {
  test('has the whole message, the API key and our user agent', async () => {
    const [exchange] = await exchanged(rich)
    expect(exchange).toMatchObject({
      method: 'POST',
      path: '/v3/mail/send',
      headers: {
        authorization: 'Bearer SG.123',
        'content-type': 'application/json',
        accept: 'application/json',
        'user-agent': 'Lettergate',
      },
    })
    expect(JSON.parse(exchange?.body ?? '')).toEqual(richBody)
  })

  test('of a small message has no other field', async () => {
    expect(await bodyOf({ html: undefined })).toEqual({
      personalizations: [{ to: [{ email: 'reader@example.org' }] }],
      from: { email: 'writer@example.com', name: 'The Writer' },
      subject: 'Hello',
      content: [{ type: 'text/plain', value: 'Hello, reader.\n' }],
      headers: { 'X-LG-Id': rich.id },
      custom_args: { lg_id: rich.id },
    })
  })

  test('equals the request of the official SDK', async () => {
    const [personalization] = richBody.personalizations
    const [content, ...forms] = richBody.content
    if (!personalization || !content) throw new Error('no recipients, or no content')
    const [ours, theirs] = await exchanged(rich, {
      also: (port) => {
        sdk.setClient(sdkClient)
        sdk.setApiKey('SG.123')
        sdkClient.setDefaultRequest('baseUrl', `http://127.0.0.1:${port}/`)
        return sdk.send({
          // The SDK leaves the quoting of names, the encoding of header fields and the order of parts to its caller.
          ...personalization,
          from: richBody.from,
          replyToList: richBody.reply_to_list,
          subject: rich.subject,
          content: [content, ...forms],
          headers: richBody.headers,
          categories: rich.tags,
          customArgs: richBody.custom_args,
          attachments: richBody.attachments,
        })
      },
    })
    expect(ours?.path).toBe(theirs?.path)
    expect(ours?.headers.authorization).toBe(theirs?.headers.authorization)
    expect(JSON.parse(ours?.body ?? '')).toEqual(JSON.parse(theirs?.body ?? ''))
  })

  test('a repeat is the same byte for byte', async () => {
    const [first, second] = await exchanged(rich, { times: 2 })
    expect(first?.body).toBe(second?.body)
  })

  test('a subject with a word longer than a line is sent as encoded words that can be folded', async () => {
    const subject = 'x'.repeat(998)
    expect((await bodyOf({ subject })).subject).toMatch(/^(?:=\?UTF-8\?Q\?x+\?= ?)+$/)
    expect((await bodyOf({ subject: 'é'.repeat(998) })).subject).toBe('é'.repeat(998))
  })

  test('recipients that were reached before are left out', async () => {
    const { personalizations } = await bodyOf({
      to: [{ address: 'a@example.org' }, { address: 'b@example.org' }],
      cc: [{ address: 'c@example.org' }],
      bcc: [{ address: 'd@example.org' }],
      envelopeTo: ['b@example.org', 'd@example.org'],
    })
    expect(personalizations).toEqual([
      { to: [{ email: 'b@example.org' }], bcc: [{ email: 'd@example.org' }] },
    ])
  })

  test.each(['', undefined])('a part that is %j is left out', async (text) => {
    expect((await bodyOf({ text })).content).toEqual([
      { type: 'text/html', value: '<p>Hello, <b>reader</b>.</p>\n' },
    ])
  })

  test('metadata beyond SendGrid’s limit is left out by whole keys, and reported', async () => {
    const keys = Array.from({ length: 12 }, (_, at) => [`k${at}`, 'ä'.repeat(500)])
    const args = (await bodyOf({ metadata: Object.fromEntries([...keys, ['last', 'x']]) })).custom_args
    expect(Buffer.byteLength(JSON.stringify(args))).toBeLessThanOrEqual(10_000)
    expect(Object.keys(args ?? {})).toEqual([
      'lg_id',
      ...Array.from({ length: 9 }, (_, at) => `lg_m_k${at}`),
      'lg_m_last',
      'lg_left_out',
    ])
    expect(args).toMatchObject({ lg_left_out: '3' })
  })

  test('tags beyond the tenth also come back with events', async () => {
    const tags = Array.from({ length: 12 }, (_, at) => `t${at}`)
    expect(await bodyOf({ tags })).toMatchObject({
      categories: tags.slice(0, 10),
      custom_args: { lg_tags: 't10,t11' },
    })
  })

  test.each([
    [
      'several copies alone',
      {
        cc: [{ address: 'c@example.net' }],
        bcc: [{ address: 'b@example.net' }],
        envelopeTo: ['c@example.net', 'b@example.net'],
      },
    ],
    [
      'a parameter in a type',
      {
        attachments: [
          {
            filename: 'a.csv',
            contentType: 'text/csv; charset=utf-16',
            disposition: 'attachment' as const,
            content: Buffer.from('a'),
          },
        ],
      },
    ],
  ])('%s cannot be expressed, and nothing is sent', async (_what, changes) => {
    expect(await unsent(changes)).toMatchObject({ kind: 'rejected', code: 'provider-cannot-express' })
  })
})

describe('the check', () => {
  async function report(status: number, body: string) {
    const { report, got } = await check(respond(status, body))
    expect(got).toMatchObject([
      { method: 'GET', path: '/v3/scopes', headers: { authorization: 'Bearer SG.123' } },
    ])
    return report
  }

  test('a key that may send is good', async () => {
    expect((await report(200, '{"scopes":["mail.send","alerts.read"]}')).problem).toBeNull()
  })

  test('a key that may not send is reported as such', async () => {
    expect((await report(200, '{"scopes":["alerts.read"]}')).problem?.code).toBe(
      'provider-permission-missing',
    )
  })

  test('an unknown key gets the hint that it may belong to the other region', async () => {
    expect((await report(401, revoked)).problem?.advice.join(' ')).toMatch(/region/)
  })

  test('used-up credits are reported, with advice', async () => {
    const { problem } = await report(401, refusal('Maximum credits exceeded'))
    expect(problem).toMatchObject({ code: 'provider-quota-used-up', advice: [expect.stringMatching(/plan/)] })
  })

  test('an answer that does not come from SendGrid is no account', async () => {
    expect((await report(200, '<html>')).problem?.code).toBe('provider-settings-wrong')
  })
})

adapter.testEgressRefusal()
adapter.testTargets([
  [{}, 'api.sendgrid.com'],
  [{ region: 'us' }, 'api.sendgrid.com'],
  [{ region: 'eu' }, 'api.eu.sendgrid.com'],
  [{ region: 'eu', base_url: 'https://proxy.example/x' }, 'proxy.example'],
])
adapter.testHeaderSecret(credentialsWith)
