import mailchimp from '@mailchimp/mailchimp_transactional'
import { describe, expect, test } from 'vitest'
import { setUpAdapter, testRetryAfter } from '../../test/adapter.ts'
import { describeProvider } from '../../test/conformance.ts'
import { answered, type Exchange, playBehaviour, respond } from '../../test/http-peer.ts'
import { buildOutboundMessage, testTime } from '../../test/io.ts'
import { readMail, richMail, richMessage } from '../../test/rich-message.ts'
import { buildMime } from '../lib/mime.ts'
import type { OutboundMessage } from '../provider.ts'
import { createMandrill } from './index.ts'
import { toOutcome } from './outcome.ts'

const accepts = respond(200, '[{"email":"reader@example.org","status":"sent","_id":"abc123"}]')
const info = (changes: object = {}) =>
  respond(200, JSON.stringify({ username: 'ann@example.com', reputation: 75, hourly_quota: 250, ...changes }))
const refusedKey = '{"status":"error","code":-1,"name":"Invalid_Key","message":"Invalid API key"}'
const connectionTo = (port: number) => ({
  credentials: { api_key: 'md-123' },
  settings: { base_url: `http://127.0.0.1:${port}` },
})
const isCheck = ({ path }: Exchange) => path.endsWith('/users/info')

describeProvider('mandrill', createMandrill, {
  connectionTo,
  credentialsWith: (value) => ({ api_key: value }),
  play: playBehaviour({
    accepts: (response, exchange) => (isCheck(exchange) ? info() : accepts)(response, exchange),
    refusesCredentials: respond(500, refusedKey),
    asksToWait: respond(500, '{"status":"error","code":429,"name":"RequestLimitExceeded","message":"x"}'),
  }),
})

const adapter = setUpAdapter({
  create: createMandrill,
  connectionTo,
  accepts,
  providerMessageId: 'abc123',
})
const { bodyOf, check, exchanged, start } = adapter

async function rawOf(message: OutboundMessage, settings?: object): Promise<string> {
  return (await bodyOf(message, settings)).raw_message
}

const orders = (raw: string) => raw.split('\r\n').filter((line) => line.startsWith('X-MC-'))

describe('the request', () => {
  test('of a small message has only its fields', async () => {
    const message = buildOutboundMessage()
    const [exchange] = await exchanged(message)
    expect(exchange).toMatchObject({
      method: 'POST',
      path: '/api/1.3/messages/send-raw',
      headers: { 'content-type': 'application/json', 'user-agent': 'Lettergate' },
    })
    expect(JSON.parse(exchange?.body ?? '')).toEqual({
      key: 'md-123',
      raw_message: [
        'X-MC-PreserveRecipients: true',
        'X-MC-Autotext: false',
        'X-MC-AutoHtml: false',
        'X-MC-InlineCSS: false',
        `X-MC-Metadata: {"lg_id":"${message.id}"}`,
        await buildMime(message),
      ].join('\r\n'),
      to: ['reader@example.org'],
      async: false,
    })
  })

  test('of a rich message has all of it, without its blind recipients', async () => {
    const settings = { subaccount: 'customer-1', metadata: true }
    const { raw_message: raw, ...rest } = await bodyOf(richMessage, settings)
    expect(rest).toEqual({ key: 'md-123', to: richMessage.envelopeTo, async: false })
    expect(orders(raw).slice(4)).toEqual([
      `X-MC-Metadata: {"lg_id":"${richMessage.id}","order":"7","lg_note":"gr\\u00f6\\u00dfe \\"x\\""}`,
      'X-MC-Tags: welcome,receipt',
      'X-MC-Subaccount: customer-1',
    ])
    expect(raw).not.toMatch(/hidden@example\.net|Nobody Knows/)
    expect(await readMail(raw)).toEqual(richMail)
  })

  test('metadata is not sent unless the connection allows it', async () => {
    expect(orders(await rawOf(richMessage))).toContain(`X-MC-Metadata: {"lg_id":"${richMessage.id}"}`)
  })

  test('tags that Mandrill does not accept are folded into the metadata', async () => {
    const long = 'x'.repeat(51)
    const lines = orders(await rawOf(buildOutboundMessage({ tags: ['a:b', '_own', long, 'y'.repeat(50)] })))
    expect(lines).toContain(`X-MC-Tags: a:b,${'y'.repeat(50)}`)
    expect(lines.join('\n')).toContain(`"lg_tags":"_own,${long}"`)
  })

  test('metadata fills at most 250 bytes, and cannot break its line', async () => {
    const filling = Object.fromEntries(Array.from({ length: 40 }, (_, at) => [`k${at}`, 'ж']))
    const metadata = { note: 'line\r\nX-MC-BccAddress: x@example.com', ...filling }
    const raw = await rawOf(buildOutboundMessage({ metadata }), { metadata: true })
    const json = orders(raw)
      .find((line) => line.startsWith('X-MC-Metadata: '))
      ?.slice('X-MC-Metadata: '.length)
    expect(json?.length).toBeLessThanOrEqual(250)
    expect(json?.length).toBeGreaterThan(230)
    expect(JSON.parse(json ?? '')).toMatchObject({ note: metadata.note, lg_left_out: '30' })
    expect(raw).not.toMatch(/^X-MC-BccAddress/m)
  })

  test('a repeat is the same byte for byte', async () => {
    const [first, second] = await exchanged(richMessage, { times: 2, settings: { metadata: true } })
    expect(first?.body).toBe(second?.body)
  })

  test('recipients that were reached before get no mail, and stay in its fields', async () => {
    const { raw_message: raw, to } = await bodyOf({ ...richMessage, envelopeTo: ['hidden@example.net'] })
    expect(to).toEqual(['hidden@example.net'])
    expect(await readMail(raw)).toEqual(richMail)
  })

  test('the request equals that of the official client, except for the user agent', async () => {
    const { peer, send } = await start()
    await send(richMessage)
    const { raw_message, to } = JSON.parse(peer.got[0]?.body ?? '')
    const client = mailchimp('md-123')
    client.basePath = client.basePath.replace('https://mandrillapp.com', `http://127.0.0.1:${peer.port}`)
    await client.messages.sendRaw({ raw_message, to, async: false })
    const [ours, theirs] = peer.got
    expect([ours?.method, ours?.path]).toEqual([theirs?.method, theirs?.path])
    expect(ours?.headers['content-type']).toBe(theirs?.headers['content-type'])
    expect(JSON.parse(ours?.body ?? '')).toEqual(JSON.parse(theirs?.body ?? ''))
  })
})

const envelopeTo = ['reader@example.org', 'Second@example.org', 'third@example.org']
const judged = (status: number, body: unknown, headers?: Record<string, string>) =>
  toOutcome(answered(status, body, headers), testTime, envelopeTo)

describe('errors', () => {
  test.each([
    [500, 'RequestLimitExceeded', 'provider-rate-limited'],
    [429, 'RequestLimitExceeded', 'provider-rate-limited'],
    [429, '', 'provider-rate-limited'],
    [500, 'ServiceUnavailable', 'provider-unavailable'],
    [500, 'Invalid_Key', 'provider-credentials-refused'],
    [401, 'Invalid_Key', 'provider-credentials-refused'],
    [500, 'PaymentRequired', 'provider-account-suspended'],
    [402, 'PaymentRequired', 'provider-account-suspended'],
    [500, 'Unknown_Subaccount', 'provider-settings-wrong'],
    [404, 'Unknown_Subaccount', 'provider-settings-wrong'],
    [500, 'ValidationError', 'message-refused'],
    [422, 'ValidationError', 'message-refused'],
    [200, 'ValidationError', 'message-refused'],
    [500, 'Unknown_Template', 'provider-settings-wrong'],
    [500, 'GeneralError', 'outcome-unknown'],
    [400, 'GeneralError', 'outcome-unknown'],
    [200, 'GeneralError', 'outcome-unknown'],
    [500, 'NewError', 'outcome-unknown'],
    [500, '', 'outcome-unknown'],
    [502, '', 'outcome-unknown'],
    [503, '', 'outcome-unknown'],
    [401, '', 'provider-credentials-refused'],
    [402, '', 'provider-account-suspended'],
    [403, '', 'provider-permission-missing'],
    [301, '', 'provider-settings-wrong'],
    [404, '', 'provider-settings-wrong'],
    [405, '', 'provider-settings-wrong'],
    [413, '', 'message-too-large'],
    [400, '', 'refusal-unrecognised'],
  ])('%d %s is %s', (status, name, code) => {
    expect(judged(status, { status: 'error', name, message: 'm' })).toMatchObject({ code })
  })

  testRetryAfter((headers) => judged(500, { name: 'RequestLimitExceeded' }, headers))
})

describe('answers for each recipient', () => {
  const sent = { email: 'reader@example.org', status: 'sent', _id: 'a1' }
  const refusal = (email: string, reject_reason: string, status = 'rejected') => ({
    email,
    status,
    _id: 'r1',
    reject_reason,
  })

  test.each(['sent', 'queued', 'scheduled'])('%s is accepted', (status) => {
    expect(judged(200, [{ ...sent, status, reject_reason: null }])).toEqual({
      kind: 'accepted',
      providerMessageId: 'a1',
    })
  })

  test.each([
    ['rejected', 'hard-bounce', 'rejected', 'recipient-refused'],
    ['rejected', 'soft-bounce', 'rejected', 'recipient-refused'],
    ['rejected', 'spam', 'rejected', 'recipient-refused'],
    ['rejected', 'unsub', 'rejected', 'recipient-refused'],
    ['rejected', 'custom', 'rejected', 'recipient-refused'],
    ['rejected', 'invalid', 'rejected', 'recipient-refused'],
    ['rejected', 'anything new', 'rejected', 'recipient-refused'],
    ['invalid', '', 'rejected', 'recipient-refused'],
    ['rejected', 'rule', 'rejected', 'message-refused'],
    ['rejected', 'test-mode-limit', 'deferred', 'provider-quota-used-up'],
    ['rejected', 'unsigned', 'deferred', 'provider-sender-refused'],
    ['rejected', 'invalid-sender', 'deferred', 'provider-sender-refused'],
  ])('%s (%s) beside an accepted recipient: %s, %s', (status, why, kind, code) => {
    // Addresses may come back in lower case, and in any order.
    expect(judged(200, [refusal('second@example.org', why, status), sent])).toEqual({
      kind: 'accepted',
      providerMessageId: 'a1',
      refused: [{ address: 'Second@example.org', kind, code, reason: `${status} ${why}`.trim() }],
    })
  })

  test.each([
    [['hard-bounce', 'spam'], { kind: 'rejected', scope: 'message', code: 'recipient-refused' }],
    [['unsigned', 'unsigned'], { kind: 'rejected', scope: 'account', code: 'provider-sender-refused' }],
    [['hard-bounce', 'unsigned'], { kind: 'rejected', scope: 'account', code: 'provider-sender-refused' }],
    [['test-mode-limit', 'spam'], { kind: 'deferred', code: 'provider-quota-used-up' }],
  ])('all refused, for %j: %o', (reasons, outcome) => {
    expect(
      judged(
        200,
        reasons.map((why, at) => refusal(envelopeTo[at] ?? '', why)),
      ),
    ).toMatchObject(outcome)
  })

  test('permanently refused recipients are not retried with the others', () => {
    const outcome = judged(200, [
      refusal('reader@example.org', 'test-mode-limit'),
      refusal('second@example.org', 'spam'),
    ])
    expect(outcome).toMatchObject({ refused: [{ address: 'Second@example.org', kind: 'rejected' }] })
  })

  test.each([
    ['hourly-quota-exhausted', 900_000],
    ['sending-backlogged', 900_000],
    ['monthly-limit-reached', 3_600_000],
    ['free-trial-sends-exhausted', 3_600_000],
    ['sending-paused', 3_600_000],
    ['sending-suspended', 3_600_000],
    ['account-suspended', 3_600_000],
    ['attachments', undefined],
    ['multiple-recipients', undefined],
    [null, undefined],
  ])('queued for %s is accepted; the next call waits %s ms', (queued_reason, pauseMs) => {
    expect(judged(200, [{ ...sent, status: 'queued', queued_reason }])).toEqual({
      kind: 'accepted',
      providerMessageId: 'a1',
      ...(pauseMs !== undefined && { pauseMs }),
    })
  })

  test.each([
    {},
    [],
    null,
    '"x"',
    [1],
    [{ email: 'reader@example.org' }],
    [{ email: 'reader@example.org', status: 'sent' }],
    [{ email: 'reader@example.org', status: 'novel', _id: 'a1' }],
    { email: 'reader@example.org', status: 'sent', _id: 'a1' },
  ])('a success with the body %j is unknown', (body) => {
    expect(judged(200, body).kind).toBe('unknown')
  })
})

describe('check()', () => {
  test('asks for the user, and reports quota and backlog', async () => {
    const { report, got } = await check(info({ backlog: 3, stats: { today: { sent: 42 } } }))
    expect(got[0]).toMatchObject({ path: '/api/1.3/users/info', body: '{"key":"md-123"}' })
    expect(report).toEqual({
      problem: null,
      limits: { usedToday: 42 },
      notes: [
        'Mandrill sends 250 messages an hour (reputation 75); more wait there.',
        '3 messages wait in the backlog of the account.',
      ],
    })
  })

  adapter.testCheckProblems([
    [500, refusedKey, 'provider-credentials-refused'],
    [200, '{"PING":"PONG!"}', 'provider-settings-wrong'],
    [404, 'no', 'provider-settings-wrong'],
    [500, '{"name":"GeneralError"}', 'provider-unavailable'],
  ])
})

adapter.testEgressRefusal()
adapter.testTargets([[{}, 'mandrillapp.com']])
adapter.testRefusedSettings(
  ['a b', 'x\r\nX-MC-BccAddress: y@example.com', ''].map((subaccount) => ({ subaccount })),
)
