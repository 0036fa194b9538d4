import { parseAnswer, toLine } from '../answer.ts'
import { toFailure } from '../failures.ts'
import { retryAfterMs } from '../http.ts'
import type { HttpResponse, SendOutcome } from '../provider.ts'
import { type Fault, judge, type Rule } from '../rules.ts'

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
  { is: 'message-refused' },
]

/** What an answer of Brevo means for the message. */
export function toOutcome(response: HttpResponse, now: Date): SendOutcome {
  const { status, headers } = response
  if (status < 200 || status >= 300)
    return judge(rules, toFault(response), status === 429 ? withReset(response) : response, now)
  const id = toLine(parseAnswer(response.body).messageId)
  if (!id) return toFailure('outcome-unknown', 'success without a messageId')
  const isLast = headers['x-sib-ratelimit-remaining'] === '0'
  const pauseMs = isLast ? retryAfterMs(withReset(response), now) : undefined
  return { kind: 'accepted', providerMessageId: id, ...(pauseMs !== undefined && { pauseMs }) }
}

/** What Brevo says went wrong. */
export function toFault(response: HttpResponse): Fault {
  const answer = parseAnswer(response.body)
  return { status: response.status, code: toLine(answer.code), message: toLine(answer.message) }
}

/**
 * Brevo's own field, in seconds, stands for `Retry-After`. It comes with every answer, but is about the rate alone:
 * https://developers.brevo.com/docs/limit-headers
 */
function withReset(response: HttpResponse): HttpResponse {
  const { 'retry-after': given, 'x-sib-ratelimit-reset': reset } = response.headers
  return { ...response, headers: { 'retry-after': given ?? reset } }
}
