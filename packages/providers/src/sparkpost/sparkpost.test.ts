import SparkPost from 'sparkpost'
import { describe, expect, test } from 'vitest'
import { setUpAdapter, testRetryAfter, testUnknownSuccesses } from '../../test/adapter.ts'
import { describeProvider } from '../../test/conformance.ts'
import { answered, playBehaviour, respond } from '../../test/http-peer.ts'
import { buildOutboundMessage, testTime } from '../../test/io.ts'
import { readMail, richMail, richMessage } from '../../test/rich-message.ts'
import { buildMime } from '../lib/mime.ts'
import { createSparkpost } from './index.ts'
import { toOutcome } from './outcome.ts'

const accepts = respond(
  200,
  '{"results":{"total_rejected_recipients":0,"total_accepted_recipients":1,"id":"11668787484950529"}}',
)
const account = (changes: object = {}) => JSON.stringify({ results: { status: 'active', ...changes } })
const connectionTo = (port: number) => ({
  credentials: { api_key: '14ac5499' },
  settings: { base_url: `http://127.0.0.1:${port}` },
})
const errors = (code: string, message: string, description = '') =>
  JSON.stringify({ errors: [{ code, message, description }] })

describeProvider('sparkpost', createSparkpost, {
  connectionTo,
  credentialsWith: (value) => ({ api_key: value }),
  play: playBehaviour({
    accepts: (response, exchange) =>
      (exchange.method === 'GET' ? respond(200, account()) : accepts)(response, exchange),
    refusesCredentials: respond(401, errors('', 'Unauthorized.')),
    asksToWait: respond(429, errors('', 'Too many requests')),
  }),
})

const adapter = setUpAdapter({
  create: createSparkpost,
  connectionTo,
  accepts,
  providerMessageId: '11668787484950529',
})
const { bodyOf, check, exchanged, start } = adapter

const richTransmission = {
  campaign_id: 'welcome',
  metadata: { lg_id: richMessage.id, lg_tags: 'receipt', order: '7', _note: 'größe "x"' },
  recipients: richMessage.envelopeTo.map((email) => ({ address: { email } })),
}

describe('the request', () => {
  test('of a small message has only its fields', async () => {
    const message = buildOutboundMessage()
    const [exchange] = await exchanged(message)
    expect(exchange).toMatchObject({
      method: 'POST',
      path: '/api/v1/transmissions',
      headers: { authorization: '14ac5499', 'content-type': 'application/json', 'user-agent': 'Lettergate' },
    })
    expect(exchange?.headers).not.toHaveProperty('x-msys-subaccount')
    expect(JSON.parse(exchange?.body ?? '')).toEqual({
      options: { transactional: true, perform_substitutions: false },
      metadata: { lg_id: message.id },
      recipients: [{ address: { email: 'reader@example.org' } }],
      content: { email_rfc822: (await buildMime(message)).toString() },
    })
  })

  test('of a rich message has all of it, without its blind recipients', async () => {
    const settings = { subaccount: 123, ip_pool: 'main', open_tracking: false, click_tracking: true }
    const [exchange] = await exchanged(richMessage, { settings })
    expect(exchange?.headers).toMatchObject({ 'x-msys-subaccount': '123' })
    const { content, ...rest } = JSON.parse(exchange?.body ?? '')
    expect(rest).toEqual({
      options: {
        transactional: true,
        perform_substitutions: false,
        open_tracking: false,
        click_tracking: true,
        ip_pool: 'main',
      },
      ...richTransmission,
    })
    expect(Object.keys(content)).toEqual(['email_rfc822'])
    expect(content.email_rfc822).not.toMatch(/hidden@example\.net|Nobody Knows/)
    expect(await readMail(content.email_rfc822)).toEqual(richMail)
  })

  test('braces in header fields are written by a variable, braces of the body stay', async () => {
    const changes = {
      subject: '{{{{ your {code} }}',
      headers: { 'X-Note': 'a {{{b}}}' },
      text: 'Dear {{name}}',
    }
    const { content, substitution_data: data } = await bodyOf(changes)
    const raw: string = content.email_rfc822
    const head = raw.slice(0, raw.indexOf('\r\n\r\n'))
    expect(head).toContain('Subject: {{lg_open}}{{lg_open}} your {code} }}\r\n')
    expect(head).toContain('X-Note: a {{lg_open}}{b}}}\r\n')
    expect(head.replaceAll('{{lg_open}}', data.lg_open) + raw.slice(head.length)).toBe(
      (await buildMime(buildOutboundMessage(changes))).toString(),
    )
  })

  test('metadata stays within 10 kB; omitted entries are counted', async () => {
    const metadata = Object.fromEntries(
      Array.from({ length: 11 }, (_, at) => [`key_${at}`, 'x'.repeat(at < 10 ? 1000 : 10)]),
    )
    const body = await bodyOf({ metadata })
    expect(Buffer.byteLength(JSON.stringify(body.metadata))).toBeLessThanOrEqual(10_000)
    expect(body.metadata).toMatchObject({ key_8: metadata.key_8, key_10: metadata.key_10, lg_left_out: '1' })
  })

  test('equals the request of the official client, except for the user agent', async () => {
    const { peer, send } = await start()
    await send(richMessage)
    const { content } = JSON.parse(peer.got[0]?.body ?? '')
    const client = new SparkPost('14ac5499', { origin: `http://127.0.0.1:${peer.port}` })
    const options = { transactional: true, perform_substitutions: false }
    await client.transmissions.send({ ...richTransmission, options, content })
    const [ours, theirs] = peer.got
    expect([ours?.method, ours?.path]).toEqual([theirs?.method, theirs?.path])
    for (const name of ['authorization', 'content-type'])
      expect(ours?.headers[name]).toBe(theirs?.headers[name])
    expect(JSON.parse(ours?.body ?? '')).toEqual(JSON.parse(theirs?.body ?? ''))
  })

  test('a repeat is the same byte for byte', async () => {
    const [first, second] = await exchanged(richMessage, { times: 2 })
    expect(first?.body).toBe(second?.body)
  })

  test('recipients that were reached before get no mail, and stay in its fields', async () => {
    const body = await bodyOf({ ...richMessage, envelopeTo: ['hidden@example.net'] })
    expect(body.recipients).toEqual([{ address: { email: 'hidden@example.net' } }])
    expect(await readMail(body.content.email_rfc822)).toEqual(richMail)
  })
})

const envelopeTo = ['reader@example.org', 'Second@example.org']
const judged = (status: number, body: string, headers?: Record<string, string>) =>
  toOutcome(answered(status, body, headers), testTime, envelopeTo)

describe('errors', () => {
  test.each([
    [420, '2101', 'Exceed Sending Limit (hourly)', 'provider-quota-used-up'],
    [420, '2102', 'Exceed Sending Limit (daily)', 'provider-quota-used-up'],
    [420, '', '', 'provider-quota-used-up'],
    [429, '', 'Too many requests', 'provider-rate-limited'],
    [500, '', 'Internal Server Error', 'outcome-unknown'],
    [502, '', '', 'outcome-unknown'],
    [503, '', 'Service Unavailable', 'outcome-unknown'],
    [504, '', '', 'outcome-unknown'],
    [401, '', 'Unauthorized.', 'provider-credentials-refused'],
    [403, '', 'Forbidden.', 'provider-permission-missing'],
    [403, '', 'Account is suspended', 'provider-account-suspended'],
    [400, '7001', 'Invalid domain', 'provider-sender-refused'],
    [400, '1100', 'Invalid DKIM key ID', 'refusal-unrecognised'],
    [400, '', 'Bad Request', 'refusal-unrecognised'],
    [422, '1400', 'required field is missing', 'message-refused'],
    [422, '5001', 'Invalid email address', 'recipient-refused'],
    [422, '5002', 'Invalid recipients', 'recipient-refused'],
    [422, '50010', 'x', 'refusal-unrecognised'],
    [422, '5002', 'At least one valid recipient is required', 'recipient-refused'],
    [409, '1602', 'resource conflict', 'refusal-unrecognised'],
    [413, '', '', 'message-too-large'],
    [404, '', '', 'provider-settings-wrong'],
    [405, '', '', 'provider-settings-wrong'],
    [302, '', '', 'provider-settings-wrong'],
    [415, '', '', 'refusal-unrecognised'],
  ])('%d %s %s is %s', (status, code, message, is) => {
    expect(judged(status, errors(code, message))).toMatchObject({ code: is })
  })

  testRetryAfter((headers) => judged(429, errors('', 'x'), headers), 5000)

  test.each([
    [{}, 3_600_000],
    [{ 'retry-after': '60' }, 60_000],
  ])('a limit that is used up waits longer: %j waits %s ms', (headers, waitMs) => {
    expect(judged(420, errors('', 'x'), headers)).toMatchObject({ kind: 'deferred', retryAfterMs: waitMs })
  })

  test('the reason is the text of SparkPost', () => {
    const body = errors('7001', 'Invalid domain', 'Unconfigured or unverified sending domain.')
    expect(judged(400, body)).toMatchObject({
      reason: '400 7001 Invalid domain Unconfigured or unverified sending domain.',
    })
  })

  test('a code may be a number, and values that are no text are left out', () => {
    const body = JSON.stringify({ errors: [{ code: 7001, message: 'Invalid domain', description: null }] })
    expect(judged(400, body)).toMatchObject({
      code: 'provider-sender-refused',
      reason: '400 7001 Invalid domain',
    })
  })

  test.each(['', '{', '{"errors":"x"}', '{"errors":[5]}'])(
    'a 400 with the body %s is still a refusal',
    (body) => {
      expect(judged(400, body)).toMatchObject({ code: 'refusal-unrecognised', reason: '400' })
    },
  )
})

describe('counts of recipients', () => {
  const counted = (taken: number, refusedCount: number, rcpt_to_errors?: unknown) =>
    judged(
      200,
      JSON.stringify({
        errors:
          refusedCount > 0
            ? [{ message: 'transmission created, but with validation errors', code: '2000' }]
            : [],
        results: {
          id: '1166',
          total_accepted_recipients: taken,
          total_rejected_recipients: refusedCount,
          rcpt_to_errors,
        },
      }),
    )
  const error = (description: string) => ({ message: 'Invalid email address', description, code: '5001' })

  test('all accepted', () => {
    expect(counted(2, 0)).toEqual({ kind: 'accepted', providerMessageId: '1166' })
  })

  test('none accepted', () => {
    expect(counted(0, 2, [error('x')])).toEqual({
      kind: 'rejected',
      scope: 'message',
      code: 'recipient-refused',
      reason: '5001 Invalid email address x',
      refused: [
        expect.objectContaining({ address: 'reader@example.org' }),
        expect.objectContaining({ address: 'Second@example.org' }),
      ],
    })
    expect(counted(0, 2, 'odd')).toMatchObject({ code: 'recipient-refused' })
  })

  test('no counts: unknown', () => {
    expect(counted(0, 0).kind).toBe('unknown')
  })

  test('one refused by name', () => {
    expect(counted(1, 1, [error("'second@example.org' is not an address.")])).toEqual({
      kind: 'accepted',
      providerMessageId: '1166',
      refused: [
        {
          address: 'Second@example.org',
          kind: 'rejected',
          code: 'recipient-refused',
          reason: "5001 Invalid email address 'second@example.org' is not an address.",
        },
      ],
    })
  })

  test.each([
    [undefined],
    [[error('address.email is required for each recipient')]],
    // A name that only contains one of ours.
    [[error('xsecond@example.org')]],
    [[error('second@example.org'), error('reader@example.org')]],
  ])('one refused without a name (%j): unknown', (rcptErrors) => {
    expect(counted(1, 1, rcptErrors)).toMatchObject({
      kind: 'unknown',
      reason: expect.stringContaining('1 of 2 recipients were refused'),
    })
  })

  testUnknownSuccesses(
    (body) => judged(200, body),
    ['{"results":{}}', '{"results":{"id":"1166"}}', '{"results":{"id":""}}'],
  )
})

describe('check()', () => {
  test('asks for the account, and reports its limits', async () => {
    const usage = { day: { used: 22, limit: 500 }, month: { used: 900, limit: 900 } }
    const { report, got } = await check(respond(200, account({ usage })))
    expect(got[0]).toMatchObject({ method: 'GET', path: '/api/v1/account?include=usage' })
    expect(report).toEqual({
      problem: null,
      limits: { perDay: 500, usedToday: 22 },
      notes: ['The month’s 900 messages are used up: raise the plan at SparkPost.'],
    })
  })

  test('an account without a daily limit reports no limits', async () => {
    for (const usage of [undefined, {}, { day: 'none' }]) {
      const { report } = await check(respond(200, account({ usage })))
      expect(report.problem).toBeNull()
      expect(report.limits).toBeUndefined()
    }
  })

  test('a key that may only send is good', async () => {
    const { report } = await check(respond(403, errors('', 'Forbidden.')))
    expect(report).toEqual({ problem: null, notes: [expect.stringContaining('may not read the account')] })
  })

  adapter.testCheckProblems([
    [
      200,
      account({ status: 'suspended', status_reason_category: 'NONPAYMENT' }),
      'provider-account-suspended',
    ],
    [200, account({ status: 'terminated' }), 'provider-account-suspended'],
    [403, errors('', 'Account is suspended'), 'provider-account-suspended'],
    [401, errors('', 'Unauthorized.'), 'provider-credentials-refused'],
    [200, '{"ok":true}', 'provider-settings-wrong'],
    [404, '', 'provider-settings-wrong'],
    [429, '', 'provider-rate-limited'],
  ])

  test('an unknown key gets the hint that it may belong to the other region', async () => {
    const { report } = await check(respond(401, errors('', 'Unauthorized.')))
    expect(report.problem?.advice.join(' ')).toMatch(/us or eu/)
  })

  test('a pending account is reported, not refused', async () => {
    const { report } = await check(respond(200, account({ status: 'pending' })))
    expect(report).toMatchObject({ problem: null, notes: ['The account is pending.'] })
  })
})

adapter.testEgressRefusal()
adapter.testTargets([
  [{}, 'api.sparkpost.com'],
  [{ region: 'us' }, 'api.sparkpost.com'],
  [{ region: 'eu' }, 'api.eu.sparkpost.com'],
  [{ region: 'eu', base_url: 'https://acme.example' }, 'acme.example'],
])
adapter.testRefusedSettings([
  { region: 'asia' },
  { subaccount: 0 },
  { subaccount: '1\r\nX: y' },
  { ip_pool: 'a b' },
])
