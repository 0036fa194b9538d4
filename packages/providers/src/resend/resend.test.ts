import { Resend } from 'resend'
import { describe, expect, test } from 'vitest'
import { setUpAdapter, testRetryAfter, testUnknownSuccesses } from '../../test/adapter.ts'
import { describeProvider } from '../../test/conformance.ts'
import { answered, playBehaviour, respond } from '../../test/http-peer.ts'
import { buildOutboundMessage } from '../../test/io.ts'
import { createResend } from './index.ts'
import { toOutcome } from './outcome.ts'

const id = '49a3999c-0ce1-4ea6-ab68-afcd6dc2e794'
const accepts = respond(200, JSON.stringify({ id }))
const domains = respond(
  200,
  JSON.stringify({
    data: [
      { name: 'example.com', status: 'verified' },
      { name: 'new.example', status: 'pending' },
    ],
  }),
)
const connectionTo = (port: number) => ({
  credentials: { api_key: 're_123' },
  settings: { base_url: `http://127.0.0.1:${port}` },
})

describeProvider('resend', createResend, {
  connectionTo,
  credentialsWith: (value) => ({ api_key: value }),
  play: playBehaviour({
    accepts: (response, exchange) => (exchange.method === 'GET' ? domains : accepts)(response, exchange),
    refusesCredentials: respond(401, '{"statusCode":401,"name":"missing_api_key","message":"x"}'),
    asksToWait: respond(429, '{"name":"rate_limit_exceeded"}', { 'retry-after': '30' }),
  }),
})

const adapter = setUpAdapter({ create: createResend, connectionTo, accepts, providerMessageId: id })
const { bodyOf, exchanged, unsent } = adapter

const rich = buildOutboundMessage({
  attemptKey: 'msg_1-0.1.2',
  cc: [{ address: 'copy@example.net', name: 'Größe 2' }],
  bcc: [{ address: 'hidden@example.net' }],
  replyTo: [{ address: 'answers@example.com' }],
  envelopeTo: ['reader@example.org', 'copy@example.net', 'hidden@example.net'],
  headers: { 'List-Unsubscribe': '<https://example.com/u>' },
  tags: ['welcome', 'größe/1'],
  attachments: [
    {
      filename: 'logo.png',
      contentType: 'image/png',
      disposition: 'inline',
      contentId: 'logo',
      content: Buffer.from('png'),
    },
    {
      filename: 'a.pdf',
      contentType: 'application/pdf',
      disposition: 'attachment',
      contentId: 'unused',
      content: Buffer.from('pdf'),
    },
  ],
})
const richBody = {
  from: 'The Writer <writer@example.com>',
  to: ['reader@example.org'],
  cc: ['Größe 2 <copy@example.net>'],
  bcc: ['hidden@example.net'],
  reply_to: ['answers@example.com'],
  subject: 'Hello',
  text: 'Hello, reader.\n',
  html: '<p>Hello, <b>reader</b>.</p>\n',
  headers: { 'List-Unsubscribe': '<https://example.com/u>', 'X-LG-Id': rich.id },
  attachments: [
    { filename: 'logo.png', content_type: 'image/png', content_id: 'logo', content: 'cG5n' },
    { filename: 'a.pdf', content_type: 'application/pdf', content: 'cGRm' },
  ],
  tags: [
    { name: 'lg_id', value: rich.id },
    { name: 'lg_tag_1', value: 'welcome' },
    { name: 'lg_tag_2', value: 'gr__e_1' },
  ],
}

describe('the request', () => {
  test('has the whole message, the API key and our user agent', async () => {
    const [exchange] = await exchanged(rich)
    expect(exchange).toMatchObject({
      method: 'POST',
      path: '/emails',
      headers: {
        authorization: 'Bearer re_123',
        'content-type': 'application/json',
        'idempotency-key': 'msg_1-0.1.2',
        'user-agent': 'Lettergate',
      },
    })
    expect(JSON.parse(exchange?.body ?? '')).toEqual(richBody)
  })

  test('equals the request of the official SDK', async () => {
    const [ours, theirs] = await exchanged(rich, {
      also: (port) => {
        const { reply_to: replyTo, attachments, ...same } = richBody
        const client = new Resend('re_123', { baseUrl: `http://127.0.0.1:${port}` })
        return client.emails.send(
          {
            ...same,
            replyTo,
            attachments: attachments.map(({ filename, content, content_type: contentType, ...inline }) => ({
              filename,
              content,
              contentType,
              ...(inline.content_id !== undefined && { contentId: inline.content_id }),
            })),
          },
          { idempotencyKey: rich.attemptKey },
        )
      },
    })
    expect(theirs?.path).toBe(ours?.path)
    for (const name of ['authorization', 'content-type', 'idempotency-key'])
      expect(theirs?.headers[name]).toBe(ours?.headers[name])
    expect(JSON.parse(theirs?.body ?? '')).toEqual(JSON.parse(ours?.body ?? ''))
  })

  test('a repeat is the same byte for byte, with the same key', async () => {
    const [first, second] = await exchanged(buildOutboundMessage({ metadata: { order: '7' } }), { times: 2 })
    expect(first?.body).toBe(second?.body)
    expect(first?.headers['idempotency-key']).toBe(second?.headers['idempotency-key'])
  })

  test('a subject with a word longer than a line is sent as encoded words that can be folded', async () => {
    const subject = 'x'.repeat(998)
    expect((await bodyOf({ subject })).subject).toMatch(/^(?:=\?UTF-8\?Q\?x+\?= ?)+$/)
    expect((await bodyOf({ subject: 'é'.repeat(998) })).subject).toBe('é'.repeat(998))
  })

  test('recipients that were reached before are left out', async () => {
    const body = await bodyOf({
      to: [{ address: 'a@example.org' }, { address: 'b@example.org' }],
      cc: [{ address: 'c@example.org' }],
      envelopeTo: ['b@example.org'],
    })
    expect([body.to, body.cc]).toEqual([['b@example.org'], undefined])
  })

  test.each([
    ['Ann, Bob', '"Ann, Bob" <writer@example.com>'],
    ['The "Boss" \\o/', '"The \\"Boss\\" \\\\o/" <writer@example.com>'],
    ['a@b.example', '"a@b.example" <writer@example.com>'],
    ['x <y@z.example>', '"x <y@z.example>" <writer@example.com>'],
    ['Zoë', 'Zoë <writer@example.com>'],
    ['', 'writer@example.com'],
  ])('the name %s is written as %s', async (name, text) => {
    expect((await bodyOf({ from: { address: 'writer@example.com', name } })).from).toBe(text)
  })

  test('blind copies alone are not sent, because they would see each other in To', async () => {
    const outcome = await unsent({
      bcc: [{ address: 'hidden@example.net' }, { address: 'other@example.net' }],
      envelopeTo: ['hidden@example.net', 'other@example.net'],
    })
    expect(outcome).toMatchObject({ kind: 'rejected', scope: 'account', code: 'provider-cannot-express' })
  })
})

describe('answers', () => {
  const now = new Date('2026-11-20T10:00:00Z')
  const answer = (status: number, name: string, headers: Record<string, string> = {}) =>
    toOutcome(answered(status, { statusCode: status, name }, headers), now)

  test.each([
    [429, 'rate_limit_exceeded', { kind: 'deferred' }],
    [429, 'daily_quota_exceeded', { kind: 'deferred', retryAfterMs: 3_600_000 }],
    [429, 'monthly_quota_exceeded', { kind: 'deferred', retryAfterMs: 3_600_000 }],
    [408, '', { kind: 'deferred' }],
    [409, 'concurrent_idempotent_requests', { kind: 'unknown' }],
    [500, 'application_error', { kind: 'unknown' }],
    [500, 'internal_server_error', { kind: 'unknown' }],
    [502, '', { kind: 'unknown' }],
    [503, '', { kind: 'unknown' }],
    [409, 'invalid_idempotent_request', { kind: 'rejected', scope: 'message' }],
    [400, 'validation_error', { kind: 'rejected', scope: 'message' }],
    [400, 'invalid_idempotency_key', { kind: 'rejected', scope: 'message' }],
    [413, '', { kind: 'rejected', scope: 'message' }],
    [422, 'invalid_attachment', { kind: 'rejected', scope: 'message' }],
    [422, 'missing_required_field', { kind: 'rejected', scope: 'message' }],
    [401, 'restricted_api_key', { kind: 'rejected', scope: 'account' }],
    [403, 'invalid_api_key', { kind: 'rejected', scope: 'account' }],
    [403, 'validation_error', { kind: 'rejected', scope: 'account' }],
    [404, 'not_found', { kind: 'rejected', scope: 'account' }],
    [405, 'method_not_allowed', { kind: 'rejected', scope: 'account' }],
    [451, 'security_error', { kind: 'rejected', scope: 'account' }],
    [307, '', { kind: 'rejected', scope: 'account' }],
  ])('%d %s means %o', (status, name, outcome) => {
    expect(answer(status, name)).toMatchObject(outcome)
  })

  testRetryAfter((headers) => answer(429, 'rate_limit_exceeded', headers))

  test.each([
    ['You can only send testing emails to your own email address (me@example.com).', 'provider-sandbox'],
    ['You may only send to testing recipients', 'provider-sandbox'],
    ['The testing.example domain is not verified.', 'provider-sender-refused'],
  ])('403 validation_error “%s” means %s', (message, code) => {
    expect(toOutcome(answered(403, { name: 'validation_error', message }), now)).toMatchObject({
      kind: 'rejected',
      scope: 'account',
      code,
    })
  })

  test.each([
    ['rate_limit_exceeded', { 'ratelimit-reset': '7' }, 7000],
    ['rate_limit_exceeded', { 'ratelimit-reset': '0' }, 1000],
    ['rate_limit_exceeded', { 'ratelimit-reset': '99999' }, 3_600_000],
    ['rate_limit_exceeded', { 'ratelimit-reset': 'soon' }, undefined],
    ['rate_limit_exceeded', { 'retry-after': '30', 'ratelimit-reset': '7' }, 30_000],
    // The period of the rate ends long before that of a used-up quota.
    ['daily_quota_exceeded', { 'ratelimit-reset': '1' }, 3_600_000],
  ])('429 %s with %j waits %s ms', (name, headers, waitMs) => {
    const outcome = answer(429, name, headers)
    expect(outcome.kind === 'deferred' && outcome.retryAfterMs).toBe(waitMs)
  })

  test.each([
    ['0', '7', 7000],
    ['0', 'soon', undefined],
    ['1', '7', undefined],
  ])('an accepted message with %s requests left and %s s to go pauses for %s ms', (left, reset, pauseMs) => {
    const headers = { 'ratelimit-remaining': left, 'ratelimit-reset': reset }
    expect(toOutcome(answered(200, { id }, headers), now)).toEqual({
      kind: 'accepted',
      providerMessageId: id,
      ...(pauseMs !== undefined && { pauseMs }),
    })
  })

  test('the reason is one short line of Resend’s answer', () => {
    const body = Buffer.from(
      JSON.stringify({ name: 'validation_error', message: `a\r\nb\0${'c'.repeat(900)}` }),
    )
    const outcome = toOutcome({ status: 422, headers: {}, body }, now)
    expect(outcome.kind === 'rejected' && outcome.reason).toMatch(/^422 validation_error a b c+$/)
    expect(outcome.kind === 'rejected' && outcome.reason.length).toBe(500)
  })

  testUnknownSuccesses(
    (body) => toOutcome({ status: 200, headers: {}, body: Buffer.from(body) }, now),
    ['{"id":5}', '{"id":""}', '{"ID":"x"}'],
  )
})

adapter.testEgressRefusal()
adapter.testTargets([[{}, 'api.resend.com']])
adapter.testHeaderSecret((api_key) => ({ api_key }))
