import { createHmac } from 'node:crypto'
import { Resend } from 'resend'
import { Webhook } from 'svix'
import { expect, test } from 'vitest'
import { describeEvents, readFixtures, type Signing } from '../../test/events.ts'
import { testTime } from '../../test/io.ts'
import { createResend } from './index.ts'
import { resendSecrets } from './verify.ts'

const secrets = [0, 1].map((which) => `whsec_${Buffer.alloc(24, `secret-${which}-`).toString('base64')}`)
const keyOf = (secret: string) => Buffer.from(secret.slice('whsec_'.length), 'base64')

function signHook(body: Buffer, { secret, at }: Signing) {
  const id = `msg_${createHmac('sha256', 'id').update(body).digest('hex').slice(0, 27)}`
  const time = String(Math.floor(at.getTime() / 1000))
  const signed = createHmac('sha256', keyOf(secrets[secret] ?? ''))
    .update(`${id}.${time}.`)
    .update(body)
  return {
    url: 'https://mail.example.com/v1/hooks/resend/con_1/token',
    headers: {
      'svix-id': id,
      'svix-timestamp': time,
      'svix-signature': `v1,${signed.digest('base64')}`,
    },
    body,
  }
}

const bodyOf = (payload: unknown) => Buffer.from(JSON.stringify(payload))
const { verify, signNow, read, readFixture } = describeEvents('resend', {
  create: createResend,
  secrets: [{ signing_secret: secrets[0] }, { signing_secret: secrets[1] }],
  sign: signHook,
  wrap: bodyOf,
  fixtures: readFixtures('resend'),
  ageMsMax: 300_000,
  coversBody: true,
})

const common = {
  messageId: 'msg_01k9z8y7x6w5v4t3s2r1q0pnmk',
  providerMessageId: '56761188-7520-42d8-8898-ff6fc54ce618',
  mimeMessageId: '01000abc-1@eu-west-1.amazonses.com',
  at: new Date('2026-11-20T10:00:05.123Z'),
}

test.each([
  ['scheduled', { kind: 'accepted' }],
  ['sent', { kind: 'sent', recipient: 'reader@example.org' }],
  ['delivery_delayed', { kind: 'deferred' }],
  ['delivered', { kind: 'delivered', recipient: 'reader@example.org' }],
  [
    'bounced, permanent',
    {
      kind: 'bounced',
      bounce: 'hard',
      recipient: 'gone@example.org',
      code: 'General',
      reason: 'smtp; 550 5.1.1 user unknown',
      enhancedStatus: '5.1.1',
    },
  ],
  ['bounced, suppressed', { kind: 'rejected', suppressed: true, code: 'Suppressed' }],
  ['bounced, policy', { kind: 'bounced', bounce: 'block' }],
  [
    'bounced, mailbox full',
    { bounce: 'soft', code: 'MailboxFull', reason: 'The mailbox of the recipient is full.' },
  ],
  ['bounced, content', { bounce: 'block', code: 'ContentRejected' }],
  ['bounced, undetermined', { bounce: 'soft' }],
  ['suppressed', { kind: 'rejected', suppressed: true, code: 'OnAccountSuppressionList' }],
  ['failed', { kind: 'rejected', suppressed: false, reason: 'reached_daily_quota' }],
  ['complained', { kind: 'complained' }],
  ['opened', { kind: 'opened', userAgent: 'Mozilla/5.0 (X11; Linux x86_64)' }],
  ['clicked', { kind: 'clicked', url: 'https://shop.example.com/order?id=17' }],
])('%s becomes %o', (name, event) => {
  expect(readFixture(name)).toMatchObject([{ ...common, ...event }])
})

test('for a mail to two, an event about the whole mail names both, and any other event names neither', () => {
  const sent = readFixture('sent to two')
  expect(sent.map(({ recipient }) => recipient)).toEqual(['reader@example.org', 'copy@example.org'])
  expect(readFixture('delivered, one of two')).toMatchObject([{ kind: 'delivered', recipient: undefined }])
})

test('events of contacts and domains are no events of a message, and an unknown one is counted', () => {
  expect(read(bodyOf({ type: 'contact.updated', data: {} }))).toEqual({ events: [], unread: 0 })
  expect(read(bodyOf({ type: 'email.received', data: {} }))).toEqual({ events: [], unread: 0 })
  expect(read(bodyOf({ type: 'email.teleported', data: {} }))).toEqual({ events: [], unread: 1 })
})

test('one valid signature of several is enough, and signatures of other versions do not count', async () => {
  const hook = signNow(bodyOf({ type: 'email.sent' }))
  const right = hook.headers['svix-signature']
  const withSignatures = (text: string) =>
    verify({ ...hook, headers: { ...hook.headers, 'svix-signature': text } }, 0)
  expect(await withSignatures(`v1,wrong v1a,other ${right}`)).toEqual({ kind: 'verified' })
  expect((await withSignatures(`v2,${String(right).slice(3)}`)).kind).toBe('refused')
})

test('a secret that is not in the format of Svix is refused', () => {
  for (const signing_secret of ['whsec_', 'abc', 'whsec_%%%%%%%%%%%%%%%%%%'])
    expect(resendSecrets.safeParse({ signing_secret }).success).toBe(false)
})

test('verification agrees with the verifiers of Svix and Resend', async () => {
  // They know no other time than that of the machine.
  const hook = signHook(bodyOf({ type: 'email.sent', data: {} }), { secret: 0, at: new Date() })
  const headers = hook.headers
  const altered = { ...hook, body: bodyOf({ type: 'email.bounced', data: {} }) }
  const signedNow = signHook(hook.body, { secret: 0, at: testTime })
  const takes = (check: () => unknown) => {
    try {
      check()
      return true
    } catch {
      return false
    }
  }
  const bySvix = (body: Buffer) => takes(() => new Webhook(secrets[0] ?? '').verify(body.toString(), headers))
  const byResend = (body: Buffer) =>
    takes(() =>
      new Resend('re_1').webhooks.verify({
        payload: body.toString(),
        headers: {
          id: headers['svix-id'],
          timestamp: headers['svix-timestamp'],
          signature: headers['svix-signature'],
        },
        webhookSecret: secrets[0] ?? '',
      }),
    )
  expect([bySvix(hook.body), byResend(hook.body)]).toEqual([true, true])
  expect([bySvix(altered.body), byResend(altered.body)]).toEqual([false, false])
  expect((await verify(signedNow, 0)).kind).toBe('verified')
  expect((await verify({ ...signedNow, body: altered.body }, 0)).kind).toBe('refused')
})
