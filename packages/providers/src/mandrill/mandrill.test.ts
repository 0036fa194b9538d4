import mailchimp from '@mailchimp/mailchimp_transactional'
import { afterEach, describe, expect, test } from 'vitest'
import { describeProvider } from '../conformance.ts'
import { buildMime } from '../mime.ts'
import type { OutboundMessage } from '../provider.ts'
import { readMail, richMail, richMessage } from '../testing/rich-message.ts'
import { buildOutboundMessage, createTestIo, failure } from '../testing.ts'
import { type Exchange, playBehaviour, playHttp, respond } from '../testing-http.ts'
import { createMandrill } from './index.ts'
import { toOutcome } from './outcome.ts'

const accepts = respond(200, '[{"email":"reader@example.org","status":"sent","_id":"abc123"}]')
const info = (changes: object = {}) =>
  respond(200, JSON.stringify({ username: 'ann@example.com', reputation: 75, hourly_quota: 250, ...changes }))
const refusesKey = respond(
  500,
  '{"status":"error","code":-1,"name":"Invalid_Key","message":"Invalid API key"}',
)
const connectionTo = (port: number, more: object = {}) => ({
  credentials: { api_key: 'md-123' },
  settings: { base_url: `http://127.0.0.1:${port}`, ...more },
})
const isCheck = ({ path }: Exchange) => path.endsWith('/users/info')

describeProvider('mandrill', createMandrill, {
  connectionTo,
  credentialsWith: (value) => ({ api_key: value }),
  play: playBehaviour({
    accepts: (response, exchange) => (isCheck(exchange) ? info() : accepts)(response, exchange),
    refusesCredentials: refusesKey,
    asksToWait: respond(500, '{"status":"error","code":429,"name":"RequestLimitExceeded","message":"x"}'),
  }),
})

const cleanups: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})

function open(port: number, more?: object) {
  const mandrill = createMandrill()
  const stored = connectionTo(port, more)
  const io = createTestIo()
  cleanups.unshift(io.close)
  const connection = {
    id: 'con_1',
    credentials: mandrill.credentials.parse(stored.credentials),
    settings: mandrill.settings.parse(stored.settings),
  }
  return { mandrill, connection, io }
}

/** Sends through a fake that accepts, and answers what it got. */
async function exchanged(message: OutboundMessage, more?: object, times = 1): Promise<Exchange[]> {
  const peer = await playHttp(accepts)
  cleanups.push(peer.close)
  const { mandrill, connection, io } = open(peer.port, more)
  for (let time = 0; time < times; time++)
    expect(await mandrill.send(message, connection, io)).toMatchObject({ kind: 'accepted' })
  return peer.got
}

async function rawOf(message: OutboundMessage, more?: object): Promise<string> {
  const [exchange] = await exchanged(message, more)
  return JSON.parse(exchange?.body ?? '').raw_message
}

const orders = (raw: string) => raw.split('\r\n').filter((line) => line.startsWith('X-MC-'))

describe('the request', () => {
  test('says a small message as it is', async () => {
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

  test('says the whole of a rich message, without its blind recipients', async () => {
    const [exchange] = await exchanged(richMessage, { subaccount: 'customer-1', metadata: true })
    const { raw_message: raw, ...rest } = JSON.parse(exchange?.body ?? '')
    expect(rest).toEqual({ key: 'md-123', to: richMessage.envelopeTo, async: false })
    expect(orders(raw).slice(4)).toEqual([
      `X-MC-Metadata: {"lg_id":"${richMessage.id}","order":"7","lg_note":"gr\\u00f6\\u00dfe \\"x\\""}`,
      'X-MC-Tags: welcome,receipt',
      'X-MC-Subaccount: customer-1',
    ])
    expect(raw).not.toMatch(/hidden@example\.net|Nobody Knows/)
    expect(await readMail(raw)).toEqual(richMail)
  })

  test('metadata stays here unless the connection lets it go', async () => {
    expect(orders(await rawOf(richMessage))).toContain(`X-MC-Metadata: {"lg_id":"${richMessage.id}"}`)
  })

  test('tags that Mandrill does not take are folded into the metadata', async () => {
    const long = 'x'.repeat(51)
    const lines = orders(await rawOf(buildOutboundMessage({ tags: ['a:b', '_own', long, 'y'.repeat(50)] })))
    expect(lines).toContain(`X-MC-Tags: a:b,${'y'.repeat(50)}`)
    expect(lines.join('\n')).toContain(`"lg_tags":"_own,${long}"`)
  })

  test('metadata fills 250 bytes and no more, and its line cannot be broken', async () => {
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

  test('a repeat is the same to the byte', async () => {
    const [first, second] = await exchanged(richMessage, { metadata: true }, 2)
    expect(first?.body).toBe(second?.body)
  })

  test('recipients that were reached before get nothing, and still stand in the mail', async () => {
    const [exchange] = await exchanged({ ...richMessage, envelopeTo: ['hidden@example.net'] })
    const { raw_message: raw, to } = JSON.parse(exchange?.body ?? '')
    expect(to).toEqual(['hidden@example.net'])
    expect(await readMail(raw)).toEqual(richMail)
  })

  test('the official client says the same, but for who it is', async () => {
    const peer = await playHttp(accepts)
    cleanups.push(peer.close)
    const { mandrill, connection, io } = open(peer.port)
    await mandrill.send(richMessage, connection, io)
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

const now = new Date('2026-11-20T10:00:00Z')
const envelopeTo = ['reader@example.org', 'Second@example.org', 'third@example.org']
const judged = (status: number, body: unknown, headers: Record<string, string> = {}) =>
  toOutcome(envelopeTo, { status, headers, body: Buffer.from(JSON.stringify(body)) }, now)

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
    [500, 'Unknown_Template', 'message-refused'],
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
    [400, '', 'message-refused'],
  ])('%d %s is %s', (status, name, code) => {
    expect(judged(status, { status: 'error', name, message: 'm' })).toMatchObject({ code })
  })

  test.each([
    ['30', 30_000],
    ['0', 1000],
    ['Fri, 20 Nov 2026 10:02:00 GMT', 120_000],
    ['soon', undefined],
  ])('Retry-After: %s waits %s ms', (field, waitMs) => {
    const outcome = judged(500, { name: 'RequestLimitExceeded' }, { 'retry-after': field })
    expect(outcome.kind === 'deferred' && outcome.retryAfterMs).toBe(waitMs)
  })
})

describe('answers for each recipient', () => {
  const sent = { email: 'reader@example.org', status: 'sent', _id: 'a1' }
  const refusal = (email: string, reject_reason: string, status = 'rejected') => ({
    email,
    status,
    _id: 'r1',
    reject_reason,
  })

  test.each(['sent', 'queued', 'scheduled'])('%s is taken', (status) => {
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
  ])('%s (%s) beside one that was taken: %s, %s', (status, why, kind, code) => {
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

  test('those refused for good are not tried again with the others', () => {
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
  ])('queued for %s is taken; the next should wait %s ms', (queued_reason, pauseMs) => {
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
    'x',
    [1],
    [{ email: 'reader@example.org' }],
    [{ email: 'reader@example.org', status: 'sent' }],
    [{ email: 'reader@example.org', status: 'novel', _id: 'a1' }],
    { email: 'reader@example.org', status: 'sent', _id: 'a1' },
  ])('a success that says %j is unknown', (body) => {
    expect(judged(200, body).kind).toBe('unknown')
  })
})

describe('check()', () => {
  async function checked(answer: Parameters<typeof playHttp>[0]) {
    const peer = await playHttp(answer)
    cleanups.push(peer.close)
    const { mandrill, connection, io } = open(peer.port)
    return { report: await mandrill.check(connection, io), got: peer.got }
  }

  test('asks for the user, and reports quota and backlog', async () => {
    const { report, got } = await checked(info({ backlog: 3, stats: { today: { sent: 42 } } }))
    expect(got[0]).toMatchObject({ path: '/api/1.3/users/info', body: '{"key":"md-123"}' })
    expect(report).toEqual({
      fault: null,
      limits: { usedToday: 42 },
      notes: [
        'Mandrill sends 250 messages an hour (reputation 75); more wait there.',
        '3 messages wait in the backlog of the account.',
      ],
    })
  })

  test.each([
    [refusesKey, 'provider-credentials-refused'],
    [respond(200, '{"PING":"PONG!"}'), 'provider-settings-wrong'],
    [respond(404, 'no'), 'provider-settings-wrong'],
    [respond(500, '{"name":"GeneralError"}'), 'provider-unavailable'],
  ])('%#: a fault is named', async (answer, code) => {
    expect((await checked(answer)).report.fault).toMatchObject({ code })
  })
})

test('a target that the egress policy refuses is the account’s fault', async () => {
  const { mandrill, connection, io } = open(1)
  const refusing = { ...io, request: () => Promise.reject(failure('address is not public', false, true)) }
  expect(await mandrill.send(buildOutboundMessage(), connection, refusing)).toMatchObject({
    kind: 'rejected',
    scope: 'account',
    code: 'provider-egress-refused',
  })
})

test('it leads to Mandrill itself where no address is given', () => {
  const mandrill = createMandrill()
  expect(mandrill.targets(mandrill.settings.parse({}))).toEqual([
    { host: 'mandrillapp.com', port: 443, scheme: 'https' },
  ])
})

test.each(['a b', 'x\r\nX-MC-BccAddress: y@example.com', ''])(
  'the subaccount %j is refused',
  (subaccount) => {
    expect(createMandrill().settings.safeParse({ subaccount }).success).toBe(false)
  },
)
