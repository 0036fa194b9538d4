import { describe, expect, test } from 'vitest'
import { testRetryAfter, testUnknownSuccesses } from '../../test/adapter.ts'
import { answered } from '../../test/http-peer.ts'
import { testTime } from '../../test/io.ts'
import { toOutcome } from './outcome.ts'

const id = '0a129aee-e1cd-480d-b08d-4f48548ff48d'

describe('answers', () => {
  const answer = (status: number, body: unknown, envelopeTo = ['a@example.org'], headers = {}) =>
    toOutcome(answered(status, body, headers), testTime, envelopeTo)

  test.each([
    [401, 10, 'No token', { kind: 'rejected', code: 'provider-credentials-refused' }],
    [422, 11, 'Several errors', { kind: 'rejected', code: 'refusal-unrecognised' }],
    [422, 100, 'Maintenance', { kind: 'deferred', code: 'provider-unavailable' }],
    [503, 100, 'Maintenance', { kind: 'deferred', code: 'provider-unavailable' }],
    [422, 300, 'Zero recipients specified', { kind: 'rejected', code: 'message-refused' }],
    [422, 300, "Invalid 'From' address: 'x'.", { kind: 'rejected', code: 'provider-sender-refused' }],
    [422, 300, "Invalid 'To' address: 'x'.", { kind: 'rejected', code: 'recipient-refused' }],
    [
      422,
      300,
      'Invalid metadata content. Field names are limited to 20 characters',
      { code: 'message-refused' },
    ],
    [422, 400, 'Sender signature not found', { scope: 'account', code: 'provider-sender-refused' }],
    [422, 401, 'Sender signature not confirmed', { scope: 'account', code: 'provider-sender-refused' }],
    [422, 402, 'Invalid JSON', { scope: 'message', code: 'message-refused' }],
    [422, 403, 'Incompatible JSON', { scope: 'message', code: 'message-refused' }],
    [422, 405, 'Not allowed to send', { kind: 'deferred', code: 'provider-quota-used-up' }],
    [422, 406, 'Inactive recipient', { scope: 'message', code: 'recipient-refused' }],
    [422, 409, 'JSON required', { scope: 'message', code: 'message-refused' }],
    [422, 411, 'Forbidden attachment type', { scope: 'message', code: 'message-refused' }],
    [422, 412, 'Account is pending', { scope: 'account', code: 'provider-sandbox' }],
    [422, 413, 'Account may not send', { scope: 'account', code: 'provider-account-suspended' }],
    [422, 429, 'Rate limit exceeded', { kind: 'deferred', code: 'provider-rate-limited' }],
    [422, 500, 'Signature query', { scope: 'message', code: 'refusal-unrecognised' }],
    [422, 503, 'Public domain', { scope: 'account', code: 'provider-settings-wrong' }],
    [422, 1235, 'No such stream', { scope: 'account', code: 'provider-settings-wrong' }],
    [422, 1236, 'Not for sending', { scope: 'account', code: 'provider-settings-wrong' }],
    [200, 406, 'Inactive recipient', { scope: 'message', code: 'recipient-refused' }],
  ])('%d with ErrorCode %d %s means %o', (status, ErrorCode, Message, outcome) => {
    expect(answer(status, { ErrorCode, Message })).toMatchObject(outcome)
  })

  test.each([
    [301, 'provider-settings-wrong'],
    [401, 'provider-credentials-refused'],
    [403, 'provider-permission-missing'],
    [404, 'provider-settings-wrong'],
    [405, 'provider-settings-wrong'],
    [413, 'message-too-large'],
    [415, 'provider-settings-wrong'],
    [422, 'refusal-unrecognised'],
    [429, 'provider-rate-limited'],
    [500, 'outcome-unknown'],
    [502, 'outcome-unknown'],
    [503, 'outcome-unknown'],
    [504, 'outcome-unknown'],
  ])('%d without an ErrorCode means %s', (status, code) => {
    expect(answer(status, '<html>')).toMatchObject({ code })
  })

  testRetryAfter((headers) => answer(429, {}, [], headers))

  test('a success with a warning of late delivery has no ErrorCode', () => {
    expect(answer(200, { MessageID: id, Message: 'Message accepted, but delivery may be delayed.' })).toEqual(
      {
        kind: 'accepted',
        providerMessageId: id,
      },
    )
  })

  const partly = (addresses: string) => ({
    MessageID: id,
    ErrorCode: 0,
    Message: `Message OK, but will not deliver to these inactive addresses: ${addresses}. Inactive recipients are ones that have generated a hard bounce, a spam complaint, or a manual suppression.`,
  })

  test('an inactive recipient is refused by name, the others are accepted', () => {
    const outcome = answer(200, partly("b@example.org, o'c@example.org"), [
      'a@example.org',
      'B@example.org',
      "o'c@example.org",
    ])
    expect(outcome).toMatchObject({
      kind: 'accepted',
      refused: [
        { address: 'B@example.org', kind: 'rejected', code: 'recipient-refused' },
        { address: "o'c@example.org", kind: 'rejected' },
      ],
    })
  })

  test('fifty inactive recipients are all found, although the reason is cut', () => {
    const all = Array.from({ length: 50 }, (_, at) => `reader-number-${at}@example.org`)
    const outcome = answer(200, partly(all.slice(1).join(', ')), all)
    expect(outcome.kind === 'accepted' && outcome.refused).toHaveLength(49)
  })

  test('a message whose recipients are all inactive is refused', () => {
    expect(answer(200, partly('a@example.org'))).toMatchObject({
      kind: 'rejected',
      code: 'recipient-refused',
    })
  })

  test('one illegal recipient is refused by name, and the others can be retried', () => {
    const Message = "Error parsing 'To': Illegal email domain 'bad' in address 'b@bad'."
    expect(answer(422, { ErrorCode: 300, Message }, ['a@example.org', 'b@bad'])).toMatchObject({
      kind: 'rejected',
      code: 'recipient-refused',
      refused: [{ address: 'b@bad', kind: 'rejected', code: 'recipient-refused' }],
    })
    expect(answer(422, { ErrorCode: 300, Message }, ['b@bad'])).toMatchObject({ kind: 'rejected' })
  })

  testUnknownSuccesses(
    (body) => answer(200, body),
    ['{"MessageID":5}', '{"MessageID":""}', '{"messageid":"x"}'],
  )
})
