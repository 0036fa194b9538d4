import { describe, expect, test } from 'vitest'
import { judgeReply, type Phase, toOutcome } from './outcome.ts'

describe('the subject of a reply', () => {
  test.each<[Phase, string]>([
    ['rcpt', '553 5.7.1 <app@acme.example>: Sender address rejected: not owned by user relay'],
    ['rcpt', '550 5.1.8 <app@acme.example>: Sender address rejected: Domain not found'],
    ['data', '554 5.2.252 SendAsDenied; a@acme.example not allowed to send as b@acme.example'],
    ['data', '550 5.7.60 SMTP; Client does not have permissions to send as this sender'],
    ['data', '554 Message rejected: Email address is not verified. The following failed: a@acme.example'],
    ['data', '550 The from address does not match a verified Sender Identity. Mail cannot be sent'],
    ['data', '550-The from address does not match a verified\n550 Sender Identity. Mail cannot be sent'],
  ])('a sender that the account may not use does not fail the message: to %s, %s', (phase, reply) => {
    expect(judgeReply(phase, reply)).toBe('provider-sender-refused')
  })

  test.each<[Phase, string]>([
    ['data', '550 5.1.8 Access denied, bad outbound sender AS(42004)'],
    ['mail', '501 5.1.8 Access denied, bad outbound sender'],
    ['data', '550 5.7.705 Access denied, tenant has exceeded threshold'],
  ])(
    'an account that Exchange Online has blocked may not send, for any sender: to %s, %s',
    (phase, reply) => {
      expect(judgeReply(phase, reply)).toBe('provider-account-suspended')
    },
  )

  test.each<[Phase, string]>([
    ['rcpt', '554 5.7.1 <unknown[192.0.2.1]>: Client host rejected: Access denied'],
    ['rcpt', '554 5.7.1 <ext@example.net>: Relay access denied'],
  ])('a client that may not send does not fail the recipient: to %s, %s', (phase, reply) => {
    expect(judgeReply(phase, reply)).toBe('provider-permission-missing')
  })

  test.each<[Phase, string]>([
    ['rcpt', '550 5.4.5 Daily user sending limit exceeded'],
    ['rcpt', '550 5.7.1 Daily SMTP relay limit exceeded for customer'],
    ['data', '550-5.7.1 Daily SMTP relay\n550 5.7.1 limit exceeded for customer'],
    ['data', '550 5.7.232 Your message cannot be sent: tenant has exceeded its threshold'],
    ['data', '550 5.7.233 Your message cannot be sent: tenant has exceeded its threshold'],
    ['data', '554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException; failed'],
    ['data', '554 5.2.2 Submission quota exceeded'],
    ['mail', '550 Quota exceeded for this account'],
    ['data', '454 Throttling failure: Daily message quota exceeded'],
    ['mail', '454-Throttling failure: Daily\n454 message quota exceeded.'],
    ['rcpt', '454 4.7.0 Throttling failure: Daily message quota exceeded'],
  ])('a used-up quota of the account defers the message: to %s, %s', (phase, reply) => {
    expect(judgeReply(phase, reply)).toBe('provider-quota-used-up')
  })

  test.each([
    '552 5.2.2 <full@example.net>: Quota exceeded (over quota)',
    '552 Quota exceeded: this mailbox is full',
    '550 5.1.1 <sending.limit@example.net>: no such user',
  ])('a full mailbox is not a quota of the account: %s', (reply) => {
    expect(judgeReply('rcpt', reply)).not.toBe('provider-quota-used-up')
  })

  test.each<[Phase, string]>([
    ['rcpt', '450 4.2.0 <a@corporate.example>: Greylisted'],
    ['rcpt', '450 4.7.1 <a@example.net>: the operation is limited for now'],
    ['rcpt', '450 4.7.1 <rate-limit@example.net>: later'],
    ['rcpt', '452 4.2.2 over quota'],
    ['rcpt', '450-4.2.1 The user receives mail at a rate that prevents more\n450 4.2.1 sending limit'],
    ['rcpt', '452 4.5.3 Too many recipients'],
    ['data', '452 4.5.3 Too many recipients'],
    ['data', '452 4.2.2 over quota'],
    ['data', '451 4.3.0 a@corporate.example cannot be delivered to, temporarily; the operation failed'],
  ])('one recipient that has to wait does not slow the account: to %s, %s', (phase, reply) => {
    expect(judgeReply(phase, reply)).toBe('recipient-deferred')
  })

  test.each<[Phase, string]>([
    ['rcpt', '450 4.7.28 unusual rate of mail'],
    ['rcpt', '451 4.7.1 <a@example.net>: rate limit exceeded'],
    ['rcpt', '450 4.7.0 throttled'],
    ['mail', '451 4.7.0 rate limited'],
    ['data', '454 Throttling failure: Maximum sending rate exceeded'],
  ])('an account that has to wait is paused: to %s, %s', (phase, reply) => {
    expect(judgeReply(phase, reply)).toBe('provider-rate-limited')
  })
})

test('a refusal of the account at one of several recipients does not fail that recipient', () => {
  const refused = [
    { address: 'ext@example.net', reply: '554 5.7.1 <ext@example.net>: Relay access denied' },
    { address: 'no@example.org', reply: '550 5.1.1 <no@example.org>: no such user' },
  ]
  expect(toOutcome({ kind: 'accepted', reply: '250 ok', refused }, 'own')).toMatchObject({
    kind: 'accepted',
    refused: [
      { address: 'ext@example.net', kind: 'deferred', code: 'provider-permission-missing' },
      { address: 'no@example.org', kind: 'rejected', code: 'recipient-refused' },
    ],
  })
})
