import { SESv2Client, SendEmailCommand } from '@aws-sdk/client-sesv2'
import { describe, expect, test } from 'vitest'
import { setUpAdapter, testRetryAfter, testUnknownSuccesses } from '../../test/adapter.ts'
import { checkSignature } from '../../test/check-signature.ts'
import { describeProvider } from '../../test/conformance.ts'
import { playBehaviour, respond } from '../../test/http-peer.ts'
import { buildOutboundMessage } from '../../test/io.ts'
import { buildMime } from '../lib/mime.ts'
import { createSes } from './index.ts'
import { toOutcome } from './outcome.ts'

const accepts = respond(200, '{"MessageId":"0100018b5c3c0a4f-000000"}')
const account = respond(
  200,
  JSON.stringify({
    ProductionAccessEnabled: false,
    SendingEnabled: true,
    EnforcementStatus: 'HEALTHY',
    SendQuota: { Max24HourSend: 200, MaxSendRate: 1, SentLast24Hours: 7 },
  }),
)
const keys = { access_key_id: 'AKIDEXAMPLE', secret_access_key: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' }
const connectionTo = (port: number) => ({
  credentials: keys,
  settings: { region: 'eu-west-1', base_url: `http://127.0.0.1:${port}`, configuration_set: 'main' },
})

describeProvider('ses', createSes, {
  connectionTo,
  credentialsWith: (value) => ({ ...keys, secret_access_key: value }),
  play: playBehaviour({
    accepts: (response, exchange) => (exchange.method === 'GET' ? account : accepts)(response, exchange),
    refusesCredentials: respond(403, '{"message":"x"}', {
      'x-amzn-errortype': 'InvalidClientTokenIdException',
    }),
    asksToWait: respond(429, '{}', { 'retry-after': '30' }),
  }),
})

const adapter = setUpAdapter({
  create: createSes,
  connectionTo,
  accepts,
  providerMessageId: '0100018b5c3c0a4f-000000',
})
const { bodyOf, exchanged } = adapter

describe('the request', () => {
  const message = buildOutboundMessage({
    bcc: [{ address: 'hidden@example.net' }],
    envelopeTo: ['reader@example.org', 'hidden@example.net'],
    tags: ['welcome', 'größe/1'],
  })

  /** Has the official SDK send the same to this port. */
  async function sendBySdk(port: number, token: string | undefined) {
    const client = new SESv2Client({
      region: 'eu-west-1',
      endpoint: `http://127.0.0.1:${port}`,
      maxAttempts: 1,
      credentials: {
        accessKeyId: keys.access_key_id,
        secretAccessKey: keys.secret_access_key,
        ...(token !== undefined && { sessionToken: token }),
      },
    })
    await client.send(
      new SendEmailCommand({
        FromEmailAddress: 'writer@example.com',
        Destination: { ToAddresses: ['reader@example.org', 'hidden@example.net'] },
        Content: { Raw: { Data: await buildMime(message) } },
        EmailTags: [
          { Name: 'lg_id', Value: message.id },
          { Name: 'lg_tag_1', Value: 'welcome' },
          { Name: 'lg_tag_2', Value: 'gr__e_1' },
        ],
        ConfigurationSetName: 'main',
      }),
    )
    client.destroy()
  }

  test.each([undefined, 'a-session-token'])(
    'equals the request of the official SDK, with a valid signature (session token: %s)',
    async (token) => {
      const credentials = { ...keys, ...(token && { session_token: token }) }
      const [ours, theirs] = await exchanged(message, {
        credentials,
        also: (port) => sendBySdk(port, token),
      })
      expect(ours?.path).toBe(theirs?.path)
      expect(JSON.parse(ours?.body ?? '')).toEqual(JSON.parse(theirs?.body ?? ''))
      expect(ours?.headers['x-amz-security-token']).toBe(token)
      for (const exchange of [ours, theirs])
        expect(checkSignature(exchange, keys.secret_access_key)).toBe(true)
      if (ours) expect(checkSignature({ ...ours, body: `${ours.body} ` }, keys.secret_access_key)).toBe(false)
    },
  )

  test('the blind recipients are in the destination, not in the mail', async () => {
    const body = await bodyOf(message)
    expect(body.Destination.ToAddresses).toContain('hidden@example.net')
    expect(Buffer.from(body.Content.Raw.Data, 'base64').toString()).not.toContain('hidden@example.net')
  })
})

describe('answers', () => {
  const now = new Date('2026-11-20T10:00:00Z')
  const answer = (status: number, type: string, message = '', headers: Record<string, string> = {}) =>
    toOutcome(
      {
        status,
        headers: { 'x-amzn-errortype': type, ...headers },
        body: Buffer.from(JSON.stringify({ message })),
      },
      now,
    )

  test.each([
    [429, 'TooManyRequestsException', '', { kind: 'deferred' }],
    [400, 'ThrottlingException', 'Maximum sending rate exceeded.', { kind: 'deferred' }],
    [
      400,
      'ThrottlingException',
      'Daily message quota exceeded.',
      { kind: 'deferred', retryAfterMs: 600_000 },
    ],
    [400, 'LimitExceededException', '', { kind: 'deferred' }],
    [500, 'ConcurrentModificationException', '', { kind: 'deferred' }],
    [503, 'ServiceUnavailable', '', { kind: 'deferred' }],
    [500, 'InternalServiceErrorException', '', { kind: 'unknown' }],
    [502, '', '', { kind: 'unknown' }],
    [504, '', '', { kind: 'unknown' }],
    [400, 'BadRequestException', 'Domain contains illegal character', { kind: 'rejected', scope: 'message' }],
    [400, 'MessageRejected', 'Message content is not allowed', { kind: 'rejected', scope: 'message' }],
    [400, 'MessageRejected', 'Email address is not verified.', { kind: 'rejected', scope: 'account' }],
    [400, 'MailFromDomainNotVerifiedException', '', { kind: 'rejected', scope: 'account' }],
    [400, 'AccountSuspendedException', '', { kind: 'rejected', scope: 'account' }],
    [400, 'SendingPausedException', '', { kind: 'rejected', scope: 'account' }],
    [404, 'NotFoundException', '', { kind: 'rejected', scope: 'account' }],
    [403, 'AccessDeniedException', '', { kind: 'rejected', scope: 'account' }],
    [403, 'SignatureDoesNotMatch', '', { kind: 'rejected', scope: 'account' }],
    [400, 'ExpiredTokenException', '', { kind: 'rejected', scope: 'account' }],
    [
      400,
      'UnrecognizedClientException:http://internal.amazon.com/',
      '',
      { kind: 'rejected', scope: 'account' },
    ],
    [301, '', '', { kind: 'rejected', scope: 'account' }],
    [413, '', '', { kind: 'rejected', scope: 'message' }],
  ])('%d %s %s means %o', (status, type, message, outcome) => {
    expect(answer(status, type, message)).toMatchObject(outcome)
  })

  test('the type is also read from the body', () => {
    const body = Buffer.from('{"__type":"com.amazonaws.ses#AccountSuspendedException","message":"no"}')
    expect(toOutcome({ status: 400, headers: {}, body }, now)).toEqual({
      kind: 'rejected',
      scope: 'account',
      code: 'provider-account-suspended',
      reason: '400 AccountSuspendedException no',
    })
  })

  testUnknownSuccesses(
    (body) => toOutcome({ status: 200, headers: {}, body: Buffer.from(body) }, now),
    ['{"MessageId":5}', '{"MessageId":""}', '{"messageid":"x"}'],
  )
  testRetryAfter((headers) => answer(429, 'TooManyRequestsException', '', headers))
})

adapter.testEgressRefusal()

test.each([
  [{ region: 'eu-west-1' }, { host: 'email.eu-west-1.amazonaws.com', port: 443, scheme: 'https' }],
  [
    { region: 'eu-west-1', base_url: 'https://ses.example.com/x/' },
    { host: 'ses.example.com', port: 443, scheme: 'https' },
  ],
  [
    { region: 'eu-west-1', base_url: 'http://[::1]:8005' },
    { host: '[::1]', port: 8005, scheme: 'http' },
  ],
])('settings %o use %o', (settings, target) => {
  const ses = createSes()
  expect(ses.targets(ses.settings.parse(settings))).toEqual([target])
})

adapter.testRefusedSettings(
  [
    'ftp://x.example',
    'file:///etc/passwd',
    'https://user:pass@x.example',
    'https://x.example/?a',
    'https://x.example/#a',
    'x.example',
    'https://',
    `https://x.example/${'a'.repeat(2048)}`,
    'https://x.example\r\nX: y',
  ].map((base_url) => ({ region: 'eu-west-1', base_url })),
)
adapter.testHeaderSecret((access_key_id) => ({ ...keys, access_key_id }))
