import { describe, expect, test } from 'vitest'
import { toOutcome } from './outcome.ts'

const refusal = (reason: string, message = '', status = '') =>
  JSON.stringify({ error: { errors: [{ domain: 'global', reason, message }], message, status } })

describe('answers', () => {
  const now = new Date('2026-11-20T10:00:00Z')
  const answer = (status: number, body: string, headers: Record<string, string> = {}) =>
    toOutcome({ status, headers, body: Buffer.from(body) }, now)

  test.each([
    [403, 'rateLimitExceeded', 'Rate Limit Exceeded', 'provider-rate-limited'],
    [403, 'userRateLimitExceeded', 'User Rate Limit Exceeded', 'provider-rate-limited'],
    [403, 'dailyLimitExceeded', 'Daily Limit Exceeded', 'provider-quota-used-up'],
    [403, 'quotaExceeded', '', 'provider-quota-used-up'],
    [429, 'rateLimitExceeded', 'Too many concurrent requests for user', 'provider-rate-limited'],
    [429, 'userRateLimitExceeded', 'User-rate limit exceeded. (Mail sending)', 'provider-quota-used-up'],
    [429, '', '', 'provider-rate-limited'],
    [408, '', '', 'provider-unavailable'],
    [500, 'backendError', 'Backend Error', 'outcome-unknown'],
    [502, '', '', 'outcome-unknown'],
    [503, 'backendError', '', 'outcome-unknown'],
    [504, '', '', 'outcome-unknown'],
    [401, 'authError', 'Invalid Credentials', 'provider-credentials-refused'],
    [
      403,
      'insufficientPermissions',
      'Request had insufficient authentication scopes.',
      'provider-permission-missing',
    ],
    [403, 'forbidden', 'Delegation denied for writer@example.com', 'provider-permission-missing'],
    [
      403,
      'domainPolicy',
      'The domain administrators have disabled Gmail apps.',
      'provider-permission-missing',
    ],
    [403, 'accessNotConfigured', 'Gmail API has not been used in project 1', 'provider-permission-missing'],
    [403, 'forbidden', 'The account has been suspended', 'provider-account-suspended'],
    [400, 'failedPrecondition', 'Mail service not enabled', 'provider-settings-wrong'],
    [400, 'failedPrecondition', 'Precondition check failed.', 'provider-settings-wrong'],
    [400, 'invalidArgument', 'Recipient address required', 'provider-cannot-express'],
    [400, 'invalidArgument', 'Invalid To header', 'recipient-refused'],
    [400, 'badRequest', 'Invalid attachment', 'message-refused'],
    [400, 'uploadTooLarge', '', 'message-too-large'],
    [413, '', '', 'message-too-large'],
    [404, 'notFound', '', 'provider-settings-wrong'],
    [405, '', '', 'provider-settings-wrong'],
    [301, '', '', 'provider-settings-wrong'],
    [422, '', '', 'refusal-unrecognised'],
  ])('%d %s %s is %s', (status, reason, message, code) => {
    expect(answer(status, refusal(reason, message))).toMatchObject({ code })
  })

  test.each([
    ['the status', { error: { code: 429, status: 'RESOURCE_EXHAUSTED' } }, 403, 'provider-rate-limited'],
    [
      'the details',
      { error: { details: [{ reason: 'RATE_LIMIT_EXCEEDED' }, {}] } },
      403,
      'provider-rate-limited',
    ],
    ['the status', { error: { status: 'FAILED_PRECONDITION', errors: 'x' } }, 400, 'provider-settings-wrong'],
    ['nothing', { error: 'x' }, 400, 'refusal-unrecognised'],
  ])('the error is also read from %s', (_where, body, status, code) => {
    expect(answer(status, JSON.stringify(body))).toMatchObject({ code })
  })

  test.each([
    ['30', '', 30_000],
    ['Fri, 20 Nov 2026 10:02:00 GMT', '', 120_000],
    ['1000000000', '', 3_600_000],
    [undefined, 'Retry after 2026-11-20T10:05:00.000Z', 300_000],
    [undefined, 'User-rate limit exceeded.  Retry after 2026-11-21T10:05:00.000Z (Mail sending)', 3_600_000],
    ['30', 'Retry after 2026-11-20T10:05:00.000Z', 30_000],
    [undefined, 'Retry after 2026-99-99T10:05:00Z', undefined],
    [undefined, 'Retry after lunch', undefined],
  ])('Retry-After: %s, or the text %s, wait %s ms', (field, message, waitMs) => {
    const headers: Record<string, string> = field === undefined ? {} : { 'retry-after': field }
    const outcome = answer(429, refusal('rateLimitExceeded', message), headers)
    expect(outcome.kind === 'deferred' && outcome.retryAfterMs).toBe(waitMs)
  })

  test.each(['', '{', 'null', '[]', '"x"', '{"id":5}', '{"id":""}', '{"ID":"x"}'])(
    'a success with the body %s is unknown',
    (body) => {
      expect(answer(200, body).kind).toBe('unknown')
    },
  )
})
