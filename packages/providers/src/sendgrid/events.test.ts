import { generateKeyPairSync, sign } from 'node:crypto'
import { EventWebhook } from '@sendgrid/eventwebhook'
import { describe, expect, test } from 'vitest'
import { describeEvents, readFixtures, type Signing } from '../../test/events.ts'
import { testTime } from '../../test/io.ts'
import { createSendgrid } from './index.ts'

const pairs = [
  generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  generateKeyPairSync('ec', { namedCurve: 'P-256' }),
] as const
const publicKeyOf = (which: 0 | 1) =>
  pairs[which].publicKey.export({ type: 'spki', format: 'der' }).toString('base64')
const timeField = 'x-twilio-email-event-webhook-timestamp'
const signatureField = 'x-twilio-email-event-webhook-signature'

function signHook(body: Buffer, { secret, at }: Signing) {
  const time = String(Math.floor(at.getTime() / 1000))
  const signature = sign('sha256', Buffer.concat([Buffer.from(time), body]), pairs[secret].privateKey)
  return {
    url: 'https://mail.example.com/v1/hooks/sendgrid/con_1/token',
    headers: { [timeField]: time, [signatureField]: signature.toString('base64') },
    body,
  }
}

const bodyOf = (payloads: readonly unknown[]) => Buffer.from(`${JSON.stringify(payloads)}\r\n`)
const { verify, readFixture, readChanged, read } = describeEvents('sendgrid', {
  create: createSendgrid,
  secrets: [{ public_key: publicKeyOf(0) }, { public_key: publicKeyOf(1) }],
  sign: signHook,
  wrap: (payload) => bodyOf([payload]),
  wrapAll: bodyOf,
  fixtures: readFixtures('sendgrid'),
  ageMsMax: 25 * 3_600_000,
  coversBody: true,
})

const messageId = 'msg_01k9z8y7x6w5v4t3s2r1q0pnmk'
const providerMessageId = '14c5d75ce93.dfd.64b469'

test.each([
  ['processed', { kind: 'sent', code: 'processed', mimeMessageId: 'abc.1@ismtpd0001p1iad2.sendgrid.net' }],
  [
    'deferred',
    { kind: 'deferred', enhancedStatus: '4.7.1', reason: '451 4.7.1 Greylisted, try again in 5 minutes' },
  ],
  ['delivered', { kind: 'delivered', reason: '250 2.0.0 OK 1795168803 queued', enhancedStatus: '2.0.0' }],
  [
    'bounce, soft',
    { kind: 'bounced', bounce: 'soft', recipient: 'full@example.org', enhancedStatus: '4.2.2' },
  ],
  [
    'bounce, blocked',
    { kind: 'bounced', bounce: 'block', recipient: 'reader@example.net', code: 'Reputation' },
  ],
  ['dropped, suppressed', { kind: 'rejected', suppressed: true, reason: 'Bounced Address' }],
  ['dropped, spam content', { kind: 'rejected', suppressed: false }],
  ['open', { kind: 'opened', byMachine: false, userAgent: 'Mozilla/5.0 (X11; Linux x86_64)' }],
  ['open by a proxy', { kind: 'opened', byMachine: true }],
  ['click', { kind: 'clicked', url: 'https://shop.example.com/order?id=17' }],
  ['spamreport', { kind: 'complained', recipient: 'reader@example.org' }],
  ['unsubscribe', { kind: 'unsubscribed' }],
  ['group_unsubscribe', { kind: 'unsubscribed' }],
])('%s becomes %o', (name, event) => {
  expect(readFixture(name)).toMatchObject([{ ...event, messageId, providerMessageId }])
})

describe('parse', () => {
  test('a bounce is read completely', () => {
    expect(readFixture('bounce, hard')).toEqual([
      {
        kind: 'bounced',
        bounce: 'hard',
        id: 'Ym91bmNlLTEtMQ',
        at: new Date(1_795_168_804_000),
        recipient: 'gone@example.org',
        messageId,
        providerMessageId: 'LRzXl_NHStOGhQ4kofSm_A',
        mimeMessageId: 'abc.2@ismtpd0001p1iad2.sendgrid.net',
        code: 'Invalid Address',
        reason: '550 5.1.1 The email account that you tried to reach does not exist.',
        enhancedStatus: '5.1.1',
      },
    ])
  })

  test('a bounce that came too late for SendGrid to match has neither id, and is identified by its recipient', () => {
    const [event] = readFixture('bounce, blocked without a status')
    expect(event).toMatchObject({ kind: 'bounced', bounce: 'block', recipient: 'reader@nowhere.example' })
    expect(event?.providerMessageId).toBeUndefined()
  })

  test.each([
    ['bounce', '5.2.2', undefined, 'soft'],
    ['bounce', '5.7.1', undefined, 'block'],
    ['bounce', undefined, undefined, 'hard'],
    ['bounce', '5.1.1', 'Technical', 'soft'],
    ['blocked', '5.1.1', 'Invalid Address', 'soft'],
    ['blocked', undefined, 'Content', 'block'],
  ])('%s with %s and %s is %s', (type, status, bounce_classification, bounce) => {
    expect(readChanged('bounce, hard', { type, status, bounce_classification, reason: '' })).toMatchObject([
      { bounce },
    ])
  })

  test('a resubscription is no event of a message, and an unknown event is counted', () => {
    expect(read(bodyOf([{ event: 'group_resubscribe' }]))).toEqual({ events: [], unread: 0 })
    expect(read(bodyOf([{ event: 'teleported' }, { event: 'constructor' }]))).toEqual({
      events: [],
      unread: 2,
    })
  })
})

test('verification agrees with the official verifier', async () => {
  const official = new EventWebhook()
  const key = official.convertPublicKeyToECDSA(publicKeyOf(0))
  const hook = signHook(bodyOf([{ event: 'open' }]), { secret: 0, at: testTime })
  const altered = { ...hook, body: bodyOf([{ event: 'click' }]) }
  for (const one of [hook, altered]) {
    const theirs = official.verifySignature(
      key,
      one.body,
      one.headers[signatureField] ?? '',
      one.headers[timeField] ?? '',
    )
    expect((await verify(one, 0)).kind).toBe(theirs ? 'verified' : 'refused')
  }
})
