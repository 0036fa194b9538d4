import { describe, expect, test } from 'vitest'
import { answered } from '../../test/http-peer.ts'
import { testTime } from '../../test/io.ts'
import { toOutcome } from './outcome.ts'

const id = '14c5d75ce93.dfd.64b469'
const refusal = (message: string, field: string | null = null) =>
  JSON.stringify({ errors: [{ message, field, help: null }] })

describe('answers', () => {
  const reached = { to: ['a@x.example', 'b@x.example'], cc: ['c@x.example'], bcc: ['d@x.example'] }
  const answer = (status: number, body: string, headers?: Record<string, string>) =>
    toOutcome(answered(status, body, headers), testTime, reached)
  const inSeconds = (seconds: number) => String(testTime.getTime() / 1000 + seconds)

  test.each([
    [429, 'too many requests', null, 'provider-rate-limited'],
    [401, 'Maximum credits exceeded', null, 'provider-quota-used-up'],
    [403, 'You have exceeded your messaging limits', null, 'provider-quota-used-up'],
    [403, 'You are temporarily blocked due to repeated bad requests.', null, 'provider-rate-limited'],
    [408, '', null, 'provider-unavailable'],
    [
      401,
      'The provided authorization grant is invalid, expired, or revoked',
      null,
      'provider-credentials-refused',
    ],
    [401, 'Permission denied, wrong credentials', null, 'provider-credentials-refused'],
    [401, 'Authenticated user is not authorized to send mail', null, 'provider-permission-missing'],
    [403, 'access forbidden', null, 'provider-permission-missing'],
    [403, 'Your account is temporarily under review', null, 'provider-account-suspended'],
    [401, 'Your account has been suspended', null, 'provider-account-suspended'],
    [
      403,
      'The from address does not match a verified Sender Identity. Mail cannot be sent until this error is resolved.',
      'from',
      'provider-sender-refused',
    ],
    [404, '', null, 'provider-settings-wrong'],
    [405, '', null, 'provider-settings-wrong'],
    [406, '', null, 'provider-settings-wrong'],
    [415, '', null, 'provider-settings-wrong'],
    [307, '', null, 'provider-settings-wrong'],
    [413, '', null, 'message-too-large'],
    [400, 'The total size of your email must be less than 30MB.', null, 'message-too-large'],
    [400, 'Does not contain a valid address.', 'personalizations.0.to.7.email', 'recipient-refused'],
    [400, 'The subject is required.', 'subject', 'message-refused'],
    [400, 'Bad Request', null, 'refusal-unrecognised'],
    [500, '', null, 'outcome-unknown'],
    [502, '', null, 'outcome-unknown'],
    [503, 'The SendGrid v3 Web API is not available.', null, 'outcome-unknown'],
  ])('%d %s (%s) means %s', (status, message, field, code) => {
    expect(answer(status, refusal(message, field))).toMatchObject({ code })
  })

  test.each([
    [
      'personalizations',
      'Each unique email address in the personalizations array should only be included once. You have included [B@x.example] more than once.',
    ],
    [
      'personalizations.0',
      'Each email address in the personalization block should be unique between to, cc, and bcc. We found the first duplicate instance of [b@x.example] in the personalizations.0.cc field.',
    ],
  ])('case 1: an address that is named twice (%s) is refused alone', (field, message) => {
    expect(answer(400, refusal(message, field))).toMatchObject({
      kind: 'rejected',
      code: 'recipient-refused',
      refused: [{ address: 'b@x.example' }],
    })
  })

  test('recipients that caused the refusal of all are named by their position', () => {
    const errors = [
      { message: 'Does not contain a valid address.', field: 'personalizations.0.to.1.email' },
      { message: 'Does not contain a valid address.', field: 'personalizations.0.bcc.0.email' },
    ]
    const outcome = answer(400, JSON.stringify({ errors }))
    expect(outcome).toMatchObject({
      kind: 'rejected',
      code: 'recipient-refused',
      refused: ['b@x.example', 'd@x.example'].map((address) => ({
        address,
        kind: 'rejected',
        code: 'recipient-refused',
      })),
    })
  })

  test.each([
    'personalizations.0.to.7.email',
    'personalizations.1.to.0.email',
    'personalizations.0.to.x.email',
  ])('a position without a recipient, %s, refuses the whole message', (field) => {
    const outcome = answer(400, refusal('Does not contain a valid address.', field))
    expect(outcome).toMatchObject({ kind: 'rejected', scope: 'message' })
    expect(outcome).not.toHaveProperty('refused')
  })

  test.each([
    ['retry-after', '30', 30_000],
    ['retry-after', 'Fri, 20 Nov 2026 10:02:00 GMT', 120_000],
    ['x-ratelimit-reset', inSeconds(90), 90_000],
    ['x-ratelimit-reset', inSeconds(-5), 1000],
    ['x-ratelimit-reset', inSeconds(9000), 3_600_000],
    ['x-ratelimit-reset', 'soon', undefined],
    ['x-other', '', undefined],
  ])('429 with %s: %s waits %s ms', (name, field, waitMs) => {
    const outcome = answer(429, refusal('too many requests'), { [name]: field })
    expect(outcome.kind === 'deferred' && outcome.retryAfterMs).toBe(waitMs)
  })

  test('Retry-After has precedence over the end of the period', () => {
    const headers = { 'retry-after': '5', 'x-ratelimit-reset': inSeconds(90) }
    expect(answer(429, '', headers)).toMatchObject({ retryAfterMs: 5000 })
  })

  test('used-up credits wait an hour, for any rate headers', () => {
    const headers = { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': inSeconds(5) }
    expect(answer(401, refusal('Maximum credits exceeded'), headers)).toMatchObject({
      kind: 'deferred',
      retryAfterMs: 3_600_000,
    })
  })

  test.each([
    ['0', 5000],
    ['1', undefined],
  ])('an acceptance that leaves %s pauses %s ms', (left, pauseMs) => {
    const headers = {
      'x-message-id': id,
      'x-ratelimit-remaining': left,
      'x-ratelimit-reset': inSeconds(5),
    }
    expect(answer(202, '', headers)).toEqual({
      kind: 'accepted',
      providerMessageId: id,
      ...(pauseMs !== undefined && { pauseMs }),
    })
  })

  test('the reason names the field and every fault, on one line', () => {
    const errors = [
      { message: 'a\r\nb', field: null },
      { message: 'c', field: 'from.email' },
    ]
    expect(answer(400, JSON.stringify({ errors }))).toMatchObject({ reason: '400 from.email a b; c' })
  })

  test.each(['', '{', 'null', '[]', '{"errors":5}', '{"errors":[5]}', '{"errors":["x"]}', '<html>'])(
    'a refusal with the body %s is still a refusal',
    (body) => {
      expect(answer(400, body)).toMatchObject({ code: 'refusal-unrecognised', reason: '400' })
    },
  )

  test.each([
    [202, {}],
    [202, { 'x-message-id': '' }],
    // The answer to a message in sandbox mode, which is never sent.
    [200, { 'x-message-id': id }],
    [204, {}],
  ])('%d with %o is unknown', (status, headers) => {
    expect(answer(status, '', headers).kind).toBe('unknown')
  })
})
