import { describe, expect, test } from 'vitest'
import { testUnknownSuccesses } from '../../test/adapter.ts'
import { answered } from '../../test/http-peer.ts'
import { testTime } from '../../test/io.ts'
import { toOutcome } from './outcome.ts'

const messageId = '<202611201000.1@smtp-relay.mailin.fr>'

function answer(status: number, body: unknown, headers?: Record<string, string>) {
  return toOutcome(answered(status, body, headers), testTime)
}

describe('answers', () => {
  test.each([
    [400, 'invalid_parameter', 'subject is blank', { scope: 'message', code: 'message-refused' }],
    [400, 'missing_parameter', 'subject is missing', { scope: 'message', code: 'message-refused' }],
    [400, 'out_of_range', 'x', { scope: 'message', code: 'refusal-unrecognised' }],
    [400, 'not_acceptable', 'x', { scope: 'message', code: 'refusal-unrecognised' }],
    [406, 'not_acceptable', 'x', { scope: 'message', code: 'refusal-unrecognised' }],
    [400, 'bad_request', 'Input must be a valid JSON object', { code: 'message-refused' }],
    [422, 'invalid_parameter', 'x', { scope: 'message', code: 'refusal-unrecognised' }],
    [400, 'missing_parameter', 'sender is missing', { scope: 'account', code: 'provider-sender-refused' }],
    [400, 'INVALID_PARAMETER', 'Sender is not valid', { scope: 'account', code: 'provider-sender-refused' }],
    [400, 'missing_parameter', 'htmlContent is missing', { code: 'provider-cannot-express' }],
    [
      400,
      'INVALID_PARAMETER',
      'Unexpected long headers length, got: 19552 want: less than 4096 chars',
      { scope: 'account', code: 'provider-cannot-express' },
    ],
    [400, 'invalid_parameter', 'email is not valid in to', { scope: 'message', code: 'recipient-refused' }],
    [
      400,
      'duplicate_parameter',
      'Email for the idempotency key has already been processed',
      { kind: 'unknown' },
    ],
    [409, 'duplicate_request', 'x', { kind: 'unknown' }],
    [401, 'unauthorized', 'Key not found', { code: 'provider-credentials-refused' }],
    [401, 'unauthorized', 'unrecognised IP address 192.0.2.1', { code: 'provider-permission-missing' }],
    [402, 'not_enough_credits', 'x', { kind: 'deferred', code: 'provider-quota-used-up' }],
    [400, 'not_enough_credits', 'x', { kind: 'deferred', code: 'provider-quota-used-up' }],
    [402, 'account_under_validation', 'x', { scope: 'account', code: 'provider-account-suspended' }],
    [403, 'account_under_validation', 'x', { scope: 'account', code: 'provider-account-suspended' }],
    [
      403,
      'permission_denied',
      'Unable to send email. Your SMTP account is not yet activated.',
      { scope: 'account', code: 'provider-account-suspended' },
    ],
    [403, 'permission_denied', 'x', { scope: 'account', code: 'provider-permission-missing' }],
    [404, 'document_not_found', '', { scope: 'account', code: 'provider-settings-wrong' }],
    [405, 'method_not_allowed', '', { scope: 'account', code: 'provider-settings-wrong' }],
    [415, '', '', { scope: 'account', code: 'provider-settings-wrong' }],
    [302, '', '', { scope: 'account', code: 'provider-settings-wrong' }],
    [413, '', '', { scope: 'message', code: 'message-too-large' }],
    [408, '', '', { kind: 'unknown' }],
    [424, '', '', { kind: 'unknown' }],
    [425, '', '', { kind: 'unknown' }],
    [429, 'too_many_requests', '', { kind: 'deferred', code: 'provider-rate-limited' }],
    [500, '', '', { kind: 'unknown' }],
    [502, '', '', { kind: 'unknown' }],
    [503, '', '', { kind: 'unknown' }],
    [504, '', '', { kind: 'unknown' }],
  ])('%d %s %s means %o', (status, code, message, outcome) => {
    expect(answer(status, { code, message })).toMatchObject(outcome)
  })

  test.each([
    [{ 'x-sib-ratelimit-reset': '7' }, 7000],
    [{ 'x-sib-ratelimit-reset': '0' }, 1000],
    [{ 'x-sib-ratelimit-reset': '99999' }, 3_600_000],
    [{ 'x-sib-ratelimit-reset': 'soon' }, undefined],
    [{ 'retry-after': '30', 'x-sib-ratelimit-reset': '7' }, 30_000],
    [{ 'retry-after': 'Fri, 20 Nov 2026 10:02:00 GMT' }, 120_000],
    [{}, undefined],
  ])('429 with %o waits %s ms', (headers, waitMs) => {
    const outcome = answer(429, {}, headers)
    expect(outcome.kind === 'deferred' && outcome.retryAfterMs).toBe(waitMs)
  })

  test('used-up credits wait longer than a used-up rate', () => {
    const outcome = answer(402, { code: 'not_enough_credits' }, { 'x-sib-ratelimit-reset': '1' })
    expect(outcome.kind === 'deferred' && outcome.retryAfterMs).toBe(3_600_000)
  })

  test.each([
    ['0', '7', 7000],
    ['0', 'soon', undefined],
    ['1', '7', undefined],
  ])('an accepted message with %s requests left and %s s to go pauses for %s ms', (left, reset, pauseMs) => {
    const headers = { 'x-sib-ratelimit-remaining': left, 'x-sib-ratelimit-reset': reset }
    expect(answer(201, { messageId }, headers)).toEqual({
      kind: 'accepted',
      providerMessageId: messageId,
      ...(pauseMs !== undefined && { pauseMs }),
    })
  })

  testUnknownSuccesses((body) => answer(201, body), ['{"messageId":5}', '{"messageId":""}', '{"id":"x"}'])
})
