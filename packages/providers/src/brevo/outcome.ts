import { parseAnswer, toLine } from '../lib/answer.ts'
import { commonRules } from '../lib/common-rules.ts'
import { pauseAfter, withReset } from '../lib/retry-after.ts'
import { judge, type ProviderError, type Rule } from '../lib/rules.ts'
import { toFailure } from '../lib/to-failure.ts'
import type { HttpResponse, SendOutcome } from '../provider.ts'

// The first rule that fits decides; codes come in either case:
// https://developers.brevo.com/docs/how-it-works#error-codes
export const rules: Rule[] = [
  // An earlier try under the same key was processed. Whether it also went well, the answer does not say.
  { code: /duplicate_(parameter|request)/i, is: 'outcome-unknown' },
  { status: /429/, is: 'provider-rate-limited' },
  // It failed somewhere inside, perhaps after it had taken the message; a repeat under the same key is safe.
  { status: /408|424|425|5../, is: 'outcome-unknown' },
  { code: /account_under_validation/i, is: 'provider-account-suspended' },
  { status: /40[0-3]/, message: /not yet activated|suspended/i, is: 'provider-account-suspended' },
  { code: /not_enough_credits/i, is: 'provider-quota-used-up' },
  { status: /402/, is: 'provider-quota-used-up' },
  // The key is good, but not from this address: https://developers.brevo.com/docs/ip-security
  { status: /401|403/, message: /\bIP\b/, is: 'provider-permission-missing' },
  { status: /401/, is: 'provider-credentials-refused' },
  { status: /403/, is: 'provider-permission-missing' },
  { status: /400/, message: /\bsender\b/i, is: 'provider-sender-refused' },
  // No mail without html, and no long lists of long names.
  { status: /400/, message: /htmlContent|headers length/i, is: 'provider-cannot-express' },
  { status: /400/, message: /not valid in (to|cc|bcc)\b/i, is: 'recipient-refused' },
  { status: /413/, is: 'message-too-large' },
  // No such API at this address.
  { status: /3..|404|405|415/, is: 'provider-settings-wrong' },
  { code: /missing_parameter/i, is: 'message-refused' },
  ...commonRules,
]

// They come with every answer, but are about the rate alone: https://developers.brevo.com/docs/limit-headers
const rate = { remaining: 'x-sib-ratelimit-remaining', reset: 'x-sib-ratelimit-reset' }

/** Derives the outcome of a message from the answer of Brevo. */
export function toOutcome(response: HttpResponse, now: Date): SendOutcome {
  const { status } = response
  if (status < 200 || status >= 300)
    return judge(rules, toProviderError(response), status === 429 ? withReset(response, rate) : response, now)
  const id = toLine(parseAnswer(response.body).messageId)
  return id
    ? { kind: 'accepted', providerMessageId: id, ...pauseAfter(response, rate, now) }
    : toFailure('outcome-unknown', 'success without a messageId')
}

/** Reads the error from the answer of Brevo. */
export function toProviderError(response: HttpResponse): ProviderError {
  const answer = parseAnswer(response.body)
  return { status: response.status, code: toLine(answer.code), message: toLine(answer.message) }
}
