import { parseAnswer, toLine } from '../lib/answer.ts'
import { commonRules } from '../lib/common-rules.ts'
import { pauseAfter, withReset } from '../lib/retry-after.ts'
import { findRule, judge, type ProviderError, type Rule } from '../lib/rules.ts'
import { toFailure } from '../lib/to-failure.ts'
import type { HttpResponse, SendOutcome } from '../provider.ts'

// The first rule that fits decides: https://resend.com/docs/api-reference/errors
export const rules: Rule[] = [
  // An earlier attempt under the same key is still in progress there: it may well be accepted.
  { status: /409/, code: /concurrent_idempotent/, is: 'outcome-unknown' },
  { status: /429/, code: /quota/, is: 'provider-quota-used-up' },
  { status: /429/, is: 'provider-rate-limited' },
  { status: /408/, is: 'provider-unavailable' },
  // It failed somewhere inside, perhaps after it had taken the message; a repeat under the same key is safe.
  { status: /5../, is: 'outcome-unknown' },
  { status: /401|403/, code: /restricted/, is: 'provider-permission-missing' },
  // Before a domain is verified, mail reaches the account's own address alone.
  {
    status: /403/,
    code: /validation_error/,
    message: /testing (e-?mails?|recipients?)/i,
    is: 'provider-sandbox',
  },
  // Says `validation_error` for a domain that is not verified: https://resend.com/docs/api-reference/errors#validation_error-2
  { status: /403/, code: /validation_error/, is: 'provider-sender-refused' },
  { status: /401|403/, is: 'provider-credentials-refused' },
  { status: /451/, is: 'provider-account-suspended' },
  // No such API at this address.
  { status: /3..|404|405/, is: 'provider-settings-wrong' },
  { status: /413/, is: 'message-too-large' },
  // Of all in one list, without saying which: https://github.com/resend/resend-python/issues/65
  { status: /400|422/, code: /invalid_to_address/, is: 'recipient-refused' },
  { status: /400|422/, message: /invalid [`'"]?(to|cc|bcc)\b/i, is: 'recipient-refused' },
  { status: /400|422/, message: /invalid [`'"]?from\b/i, is: 'provider-sender-refused' },
  { status: /400|422/, code: /invalid_from_address/, is: 'provider-sender-refused' },
  {
    status: /400|422/,
    code: /invalid_attachment|missing_required_field|invalid_parameter|invalid_idempotency_key/,
    is: 'message-refused',
  },
  ...commonRules,
]

// They come with every answer, but are about the rate alone: https://resend.com/changelog/api-rate-limit
const rate = { remaining: 'ratelimit-remaining', reset: 'ratelimit-reset' }

/** Derives the outcome of a message from the answer of Resend. */
export function toOutcome(response: HttpResponse, now: Date): SendOutcome {
  if (response.status < 200 || response.status >= 300) return toRefusal(response, now)
  const id = toLine(parseAnswer(response.body).id)
  return id
    ? { kind: 'accepted', providerMessageId: id, ...pauseAfter(response, rate, now) }
    : toFailure('outcome-unknown', 'success without an id')
}

function toRefusal(response: HttpResponse, now: Date): SendOutcome {
  const error = toProviderError(response)
  const isRate = findRule(rules, error)?.is === 'provider-rate-limited'
  return judge(rules, error, isRate ? withReset(response, rate) : response, now)
}

/** Reads the error from the answer of Resend. */
export function toProviderError(response: HttpResponse): ProviderError {
  const answer = parseAnswer(response.body)
  return { status: response.status, code: toLine(answer.name), message: toLine(answer.message) }
}
