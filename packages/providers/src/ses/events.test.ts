import https from 'node:https'
import { PassThrough, Readable } from 'node:stream'
import MessageValidator from 'sns-validator'
import { describe, expect, test, vi } from 'vitest'
import { describeEvents, readFixtures, type Signing } from '../../test/events.ts'
import { failure, testTime } from '../../test/io.ts'
import { certificateUrl, type Envelope, playSns, signNotification, toHook, topics } from '../../test/sns.ts'
import type { HookVerdict } from '../provider.ts'
import { createCertificates } from './certificates.ts'
import { parseSes } from './events.ts'
import { createSes } from './index.ts'
import { sesSecrets, verifySes } from './verify.ts'

const fixtures = readFixtures('ses')
const now: Signing = { secret: 0, at: testTime }
const idOf = (body: Buffer) => ({
  MessageId: `id-${Object.keys(fixtures).findIndex((name) => JSON.stringify(fixtures[name]) === body.toString())}`,
})
const bodyOf = (payload: unknown) => Buffer.from(JSON.stringify(payload))

const { read, readFixture, readChanged } = describeEvents('ses', {
  create: () => createSes(),
  secrets: [{ topic_arn: topics[0] }, { topic_arn: topics[1] }],
  sign: (body, signing) => signNotification(body.toString(), signing, idOf(body)),
  wrap: bodyOf,
  fixtures,
  signatureFields: ['x-amz-sns-message-type'],
  ageMsMax: 65 * 60_000,
  coversBody: false,
  io: playSns().io,
})

const common = {
  messageId: 'msg_01k9z8y7x6w5v4t3s2r1q0pnmk',
  providerMessageId: '0102017a1b2c3d4e-7f7f7f7f-0000-4c4c-8d8d-000000000000-000000',
  mimeMessageId: 'msg_01k9z8y7x6w5v4t3s2r1q0pnmk@example.com',
}

test.each<[string, object[]]>([
  [
    'Send',
    [
      { kind: 'sent', recipient: 'reader@example.org' },
      { kind: 'sent', recipient: 'copy@example.org' },
    ],
  ],
  ['DeliveryDelay', [{ kind: 'deferred', code: 'TransientCommunicationFailure', enhancedStatus: '4.4.1' }]],
  ['Delivery', [{ kind: 'delivered', recipient: 'reader@example.org', reason: '250 2.0.0 OK 1795168803' }]],
  [
    'Bounce, permanent',
    [
      { bounce: 'hard', recipient: 'gone@example.org', code: 'Permanent General', enhancedStatus: '5.1.1' },
      { bounce: 'hard', recipient: 'gone2@example.org', reason: 'smtp; 550 5.1.2 no such domain' },
    ],
  ],
  ['Bounce, suppressed', [{ kind: 'rejected', suppressed: true, recipient: 'left@example.org' }]],
  ['Bounce, mailbox full', [{ bounce: 'soft' }]],
  ['Bounce, content', [{ bounce: 'block' }]],
  ['Bounce, undetermined', [{ bounce: 'soft', recipient: 'odd@example.org' }]],
  ['Bounce, expired', [{ bounce: 'soft', recipient: 'slow@example.org', enhancedStatus: '4.4.7' }]],
  ['Bounce of an identity', [{ bounce: 'hard', recipient: 'gone3@example.org' }]],
  ['Complaint', [{ kind: 'complained', recipient: 'reader@example.org', code: 'abuse' }]],
  ['Complaint, one of two', [{ kind: 'complained', recipient: undefined }]],
  ['Complaint, suppressed', [{ kind: 'rejected', suppressed: true, recipient: 'left2@example.org' }]],
  [
    'Reject',
    [{ kind: 'rejected', suppressed: false, recipient: 'virus@example.org', reason: 'Bad content' }],
  ],
  ['Rendering Failure', [{ kind: 'rejected', suppressed: false, code: 'welcome' }]],
  [
    'Open',
    [{ kind: 'opened', recipient: 'reader@example.org', userAgent: 'Mozilla/5.0 (X11; Linux x86_64)' }],
  ],
  ['Open, one of two', [{ kind: 'opened', recipient: undefined }]],
  ['Click', [{ kind: 'clicked', url: 'https://shop.example.com/order?id=17' }]],
  ['Subscription', [{ kind: 'unsubscribed', recipient: 'reader@example.org' }]],
  ['Subscription, one topic', [{ kind: 'unsubscribed' }]],
])('%s becomes %o', (name, events) => {
  expect(readFixture(name)).toMatchObject(events.map((event) => ({ ...common, ...event })))
})

test.each([
  'Bounce, automatic answer',
  'Complaint, not spam',
  'Subscription, back',
  'Subscription, back to one of two',
])('%s is no event of a message', (name) => {
  expect(readFixture(name)).toEqual([])
})

test('a permanent bounce because of a policy does not suppress the address', () => {
  const bouncedRecipients = [
    { emailAddress: 'a@example.org', status: '5.7.1', diagnosticCode: 'smtp; 550 5.7.1 spam' },
  ]
  const bounce = { bounceType: 'Permanent', bounceSubType: 'General', bouncedRecipients }
  expect(readChanged('Bounce, permanent', { bounce })).toMatchObject([{ kind: 'bounced', bounce: 'block' }])
})

test('the test line of SES and confirmations are no events; any other unknown text is counted', () => {
  const envelope = (text: string, changes: Envelope = {}) =>
    parseSes(signNotification(text, now, changes).body, testTime)
  const trial = 'Successfully validated SNS topic for Amazon SES event publishing.'
  expect(envelope(trial)).toEqual({ events: [], unread: 0 })
  expect(envelope('You have chosen to subscribe', { Type: 'SubscriptionConfirmation' })).toEqual({
    events: [],
    unread: 0,
  })
  expect(envelope('Hello')).toEqual({ events: [], unread: 1 })
  expect(read(bodyOf({ eventType: 'Teleported' }))).toEqual({ events: [], unread: 1 })
})

describe('the verification of SNS messages', () => {
  type Case = { changes?: Envelope; after?: Envelope; secrets?: string[]; sns?: ReturnType<typeof playSns> }
  const text = JSON.stringify(fixtures.Send)

  async function verify({ changes, after = {}, secrets = [topics[0]], sns = playSns() }: Case) {
    const hook = signNotification(text, now, changes)
    const altered = toHook({ ...JSON.parse(hook.body.toString()), ...after })
    const verdict = await verifySes(
      altered,
      secrets.map((topic_arn) => ({ topic_arn })),
      createCertificates(),
      sns.io,
    )
    return { verdict, asked: sns.asked }
  }
  const verified: HookVerdict = { kind: 'verified' }
  const refused = (reason: string) => ({ kind: 'refused', reason: expect.stringContaining(reason) })

  test('signatures of versions 1 and 2 are accepted, and others are refused', async () => {
    expect((await verify({ changes: { SignatureVersion: '1' } })).verdict).toEqual(verified)
    expect((await verify({ changes: { SignatureVersion: '2' } })).verdict).toEqual(verified)
    expect(await verify({ after: { SignatureVersion: '3' } })).toEqual({
      verdict: refused('version'),
      asked: [],
    })
    expect((await verify({ after: { SignatureVersion: '1' } })).verdict).toEqual(refused('wrong'))
  })

  test('a message without a subject is signed without one', async () => {
    const hook = signNotification(text, now, {})
    const { Subject: _subject, ...rest } = JSON.parse(hook.body.toString())
    const verdict = await verifySes(
      toHook(rest),
      [{ topic_arn: topics[0] }],
      createCertificates(),
      playSns().io,
    )
    expect(verdict).toEqual(refused('wrong'))
  })

  test.each([
    ['Message', '{"eventType":"Bounce"}'],
    ['MessageId', 'another'],
    ['Subject', 'another'],
    ['Timestamp', new Date(testTime.getTime() + 1000).toISOString()],
    ['Signature', Buffer.alloc(256, 1).toString('base64')],
    ['Signature', ''],
  ])('a message with another %s is refused', async (name, value) => {
    expect((await verify({ after: { [name]: value } })).verdict).toEqual(refused('wrong'))
  })

  test('a valid signature of another topic is refused, and its certificate is not fetched', async () => {
    const others = [
      'arn:aws:sns:eu-west-1:999999999999:lettergate-con_1',
      'arn:aws:sns:us-east-1:123456789012:x',
      'x',
    ]
    for (const TopicArn of others)
      expect(await verify({ changes: { TopicArn } })).toEqual({ verdict: refused('topic'), asked: [] })
  })

  test.each([
    'http://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0.pem',
    'https://sns.s3-us-west-2.amazonaws.com/SimpleNotificationService-0.pem',
    'https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0.pem',
    'https://sns.eu-west-1.amazonaws.com.attacker.example/SimpleNotificationService-0.pem',
    'https://sns.eu-west-1.amazonaws.com:8443/SimpleNotificationService-0.pem',
    'https://user@sns.eu-west-1.amazonaws.com/SimpleNotificationService-0.pem',
    'https://sns.eu-west-1.amazonaws.com/other.pem',
    'https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-/../other.pem',
    'https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0.pem?x=1',
    'https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0.pem#x',
    'HTTPS://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0.pem',
    'file:///etc/passwd',
  ])('a certificate at %s is refused and not fetched', async (SigningCertURL) => {
    expect(await verify({ after: { SigningCertURL } })).toEqual({
      verdict: refused('certificate'),
      asked: [],
    })
  })

  test('a header of another type is refused, and so is raw delivery without it', async () => {
    const hook = signNotification(text, now)
    const check = (headers: Record<string, string>) =>
      verifySes({ ...hook, headers }, [{ topic_arn: topics[0] }], createCertificates(), playSns().io)
    expect(await check({ 'x-amz-sns-message-type': 'SubscriptionConfirmation' })).toEqual(refused('head'))
    expect(await check({ 'x-amz-sns-rawdelivery': 'true' })).toEqual(refused('head'))
  })

  test('a confirmation is sent to the address of the API, not to the address in the message', async () => {
    const changes = {
      Type: 'SubscriptionConfirmation',
      Token: '2336412f37fb687f5d51e6e2',
      SubscribeURL: 'http://169.254.169.254/latest/meta-data',
    }
    expect((await verify({ changes })).verdict).toEqual({
      kind: 'confirm',
      url: `https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=${encodeURIComponent(topics[0])}&Token=2336412f37fb687f5d51e6e2`,
    })
    expect((await verify({ changes: { ...changes, TopicArn: topics[1] } })).verdict).toEqual(refused('topic'))
    expect((await verify({ changes: { ...changes, Token: 'x&Action=DeleteTopic' } })).verdict).toEqual(
      refused('token'),
    )
    expect((await verify({ changes: { ...changes, Type: 'UnsubscribeConfirmation' } })).verdict).toEqual(
      verified,
    )
  })

  test('a secret that is no topic ARN is refused', () => {
    for (const topic_arn of [
      '',
      'arn:aws:sqs:eu-west-1:123456789012:x',
      'arn:aws:sns:eu-west-1.evil:123456789012:x',
    ])
      expect(sesSecrets.safeParse({ topic_arn }).success).toBe(false)
  })
})

describe('the certificate', () => {
  const verify = (
    certificates: ReturnType<typeof createCertificates>,
    sns: ReturnType<typeof playSns>,
    at = testTime,
  ) =>
    verifySes(signNotification('{}', { secret: 0, at }), [{ topic_arn: topics[0] }], certificates, {
      ...sns.io,
      now: () => at,
    })

  test('is fetched once for many messages, also for concurrent ones', async () => {
    const [sns, certificates] = [playSns(), createCertificates()]
    await Promise.all([verify(certificates, sns), verify(certificates, sns)])
    await verify(certificates, sns)
    expect(sns.asked).toEqual([certificateUrl])
    await verify(certificates, sns, new Date(testTime.getTime() + 25 * 3_600_000))
    expect(sns.asked).toHaveLength(2)
  })

  test('that cannot be fetched leaves the message undecided, and the next message fetches again', async () => {
    const [sns, certificates] = [playSns(), createCertificates()]
    const { pem } = sns
    const bad = [
      () => failure('connection refused', false),
      () => ({ status: 503, headers: {}, body: Buffer.from('') }),
      () => ({ status: 200, headers: {}, body: Buffer.from('<html>') }),
    ]
    for (const answer of bad) {
      sns.answerWith(answer)
      expect((await verify(certificates, sns)).kind).toBe('undecided')
    }
    sns.answerWith(() => ({ status: 200, headers: {}, body: Buffer.from(pem) }))
    expect((await verify(certificates, sns)).kind).toBe('verified')
  })

  test('that has expired, or is not yet valid, is refused', async () => {
    const day = 24 * 3_600_000
    const later = (days: number) => new Date(testTime.getTime() + days * day)
    for (const validity of [{ to: later(-1), from: later(-9) }, { from: later(1) }]) {
      const sns = playSns()
      sns.answerWithCertificate(validity)
      expect((await verify(createCertificates(), sns)).kind).toBe('refused')
    }
  })
})

test('verification agrees with the validator of AWS', async () => {
  const sns = playSns()
  // It fetches the certificate itself.
  vi.spyOn(https, 'get').mockImplementation((...parts: unknown[]) => {
    const done = parts.find((part) => typeof part === 'function')
    const response = Object.assign(Readable.from([Buffer.from(sns.pem)]), { statusCode: 200 })
    done?.(response)
    return https.request({ createConnection: () => new PassThrough() })
  })
  const judge = (envelope: object) =>
    new Promise((resolve) => new MessageValidator().validate(envelope, (error) => resolve(error === null)))
  const check = async (hook: ReturnType<typeof toHook>) =>
    (await verifySes(hook, [{ topic_arn: topics[0] }], createCertificates(), sns.io)).kind
  for (const SignatureVersion of ['1', '2']) {
    const hook = signNotification('{"eventType":"Send"}', now, { SignatureVersion })
    const envelope = JSON.parse(hook.body.toString())
    const altered = { ...envelope, Message: '{"eventType":"Bounce"}' }
    expect([await judge(envelope), await check(hook)]).toEqual([true, 'verified'])
    expect([await judge(altered), await check(toHook(altered))]).toEqual([false, 'refused'])
  }
  vi.restoreAllMocks()
})
