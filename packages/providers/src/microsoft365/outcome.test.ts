import { describe, expect, test } from 'vitest'
import { toDraft, toOutcome } from './outcome.ts'

const messageId = '<DB7PR01MB1@eurprd01.prod.outlook.com>'
const refusal = (code: string, message = '') => JSON.stringify({ error: { code, message, innerError: {} } })

describe('answers', () => {
  const now = new Date('2026-11-20T10:00:00Z')
  const answer = (status: number, body: string, headers: Record<string, string> = {}) =>
    toOutcome({ status, headers, body: Buffer.from(body) }, now, messageId)

  test.each([
    [429, 'ApplicationThrottled', 'provider-rate-limited'],
    [429, 'TooManyRequests', 'provider-rate-limited'],
    [429, '', 'provider-rate-limited'],
    [509, '', 'provider-rate-limited'],
    [429, 'ErrorExceededMessageLimit', 'provider-quota-used-up'],
    [403, 'ErrorExceededMessageLimit', 'provider-quota-used-up'],
    [403, 'ErrorSubmissionQuotaExceeded', 'provider-quota-used-up'],
    [403, 'ErrorQuotaExceeded', 'provider-quota-used-up'],
    [500, 'ErrorInternalServerError', 'outcome-unknown'],
    [502, '', 'outcome-unknown'],
    [503, 'ErrorServerBusy', 'outcome-unknown'],
    [504, 'UnknownError', 'outcome-unknown'],
    [408, '', 'outcome-unknown'],
    [200, '', 'outcome-unknown'],
    [204, '', 'outcome-unknown'],
    [401, 'InvalidAuthenticationToken', 'provider-credentials-refused'],
    [403, 'ErrorAccessDenied', 'provider-permission-missing'],
    [403, 'Authorization_RequestDenied', 'provider-permission-missing'],
    [403, 'ErrorSendAsDenied', 'provider-sender-refused'],
    [403, 'ErrorAccountSuspend', 'provider-account-suspended'],
    [404, 'ErrorItemNotFound', 'provider-unavailable'],
    [404, 'ErrorInvalidUser', 'provider-settings-wrong'],
    [404, 'ResourceNotFound', 'provider-settings-wrong'],
    [404, 'MailboxNotEnabledForRESTAPI', 'provider-settings-wrong'],
    [400, 'ErrorInvalidUser', 'provider-settings-wrong'],
    [405, '', 'provider-settings-wrong'],
    [302, '', 'provider-settings-wrong'],
    [413, '', 'message-too-large'],
    [400, 'ErrorMessageSizeExceeded', 'message-too-large'],
    [400, 'ErrorInvalidRecipients', 'recipient-refused'],
    [400, 'ErrorMimeContentInvalidBase64String', 'message-refused'],
    [400, '', 'refusal-unrecognised'],
  ])('%d %s is %s', (status, code, is) => {
    expect(answer(status, refusal(code))).toMatchObject({ code: is })
  })

  test.each([
    ['{"error":{"code":"x","innerError":{"code":"ErrorSendAsDenied"}}}', 'provider-sender-refused'],
    ['{"error":{"code":5,"innerError":"x"}}', 'provider-permission-missing'],
    ['{"error":"x"}', 'provider-permission-missing'],
    ['<html>', 'provider-permission-missing'],
  ])('403 %s is read', (body, code) => {
    expect(answer(403, body)).toMatchObject({ code })
  })

  test.each([
    ['30', 30_000],
    ['Fri, 20 Nov 2026 10:02:00 GMT', 120_000],
    ['1000000000', 3_600_000],
    ['soon', undefined],
  ])('Retry-After: %s waits %s ms, after a refusal and after a success', (field, waitMs) => {
    const refused = answer(429, '', { 'retry-after': field })
    const accepted = answer(202, '', { 'retry-after': field })
    expect(refused.kind === 'deferred' && refused.retryAfterMs).toBe(waitMs)
    expect(accepted.kind === 'accepted' && accepted.pauseMs).toBe(waitMs)
  })

  test.each(['', '{', 'null', '[]', '{"id":5}', '{"ID":"x"}'])('a draft answer %s is refused', (body) => {
    const response = { status: 201, headers: {}, body: Buffer.from(body) }
    expect(toDraft(response, now)).toMatchObject({ kind: 'deferred', code: 'provider-unavailable' })
  })
})
