import { parseAnswer, toLine } from '../lib/answer.ts'
import { commonRules } from '../lib/common-rules.ts'
import { judge, type ProviderError, type Rule } from '../lib/rules.ts'
import { toFailure } from '../lib/to-failure.ts'
import type { HttpResponse, SendOutcome } from '../provider.ts'

const dailyQuotaWaitMs = 10 * 60 * 1000
const rateWaitMs = 1_000
const badAddress = /illegal address|missing (final '?@)?domain|(local address|domain) (contains|starts|ends)/i

// The first rule that fits decides. Codes: https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html and
// https://docs.aws.amazon.com/ses/latest/APIReference-V2/CommonErrors.html
export const rules: Rule[] = [
  { status: /4../, message: /daily .{0,20}quota/i, is: 'provider-quota-used-up', waitMs: dailyQuotaWaitMs },
  { code: /Throttling/, message: /daily/i, is: 'provider-quota-used-up', waitMs: dailyQuotaWaitMs },
  // A limit per second: free again with the next one.
  { status: /4../, message: /maximum sending rate/i, is: 'provider-rate-limited', waitMs: rateWaitMs },
  { code: /TooManyRequests|Throttling|LimitExceeded/, is: 'provider-rate-limited' },
  { code: /ConcurrentModification|ServiceUnavailable/, is: 'provider-unavailable' },
  { status: /429/, is: 'provider-rate-limited' },
  { status: /503/, is: 'provider-unavailable' },
  // It failed somewhere inside, perhaps after it had taken the message.
  { status: /5../, is: 'outcome-unknown' },
  { code: /AccountSuspended|SendingPaused/, is: 'provider-account-suspended' },
  {
    status: /4../,
    message:
      /sending (is |has been )?(paused|suspended|disabled)|account .{0,40}(paused|suspended|shut down)/i,
    is: 'provider-account-suspended',
  },
  { code: /ConfigurationSet/, is: 'provider-settings-wrong' },
  { status: /4../, message: /configuration set/i, is: 'provider-settings-wrong' },
  { code: /MailFromDomainNotVerified/, is: 'provider-sender-refused' },
  // Unless it names others: then it is the sandbox (unverified.ts).
  { code: /FromEmailAddressNotVerified/, is: 'provider-sender-refused' },
  { status: /4../, message: /not verified/i, is: 'provider-sender-refused' },
  { code: /AccessDenied|NotAuthorized|AuthorizationError|OptInRequired/, is: 'provider-permission-missing' },
  {
    code: /UnrecognizedClient|InvalidClientTokenId|Signature|ExpiredToken|RequestExpired|MissingAuthenticationToken/,
    is: 'provider-credentials-refused',
  },
  { status: /401|403/, is: 'provider-credentials-refused' },
  // No such configuration set, or no such API at this address.
  { status: /3..|404|405/, is: 'provider-settings-wrong' },
  // One address that it takes for none keeps the message from all, and is not named. It cannot be that in From, which is verified:
  // https://docs.aws.amazon.com/ses/latest/APIReference/API_SendRawEmail.html
  { code: /BadRequest|InvalidParameterValue/, message: badAddress, is: 'recipient-refused' },
  { message: /address (is )?(black|suppress)/i, is: 'recipient-refused' },
  // Its own content check, in any words: for example a virus.
  { code: /MessageRejected/, message: /invalid content|bad content|virus/i, is: 'message-refused' },
  { code: /BadRequest|Validation/, message: /length|duplicate header|illegal/i, is: 'message-refused' },
  ...commonRules,
]

/** Derives the outcome of a message from the answer of SES. */
export function toOutcome(response: HttpResponse, now: Date): SendOutcome {
  if (response.status < 200 || response.status >= 300)
    return judge(rules, toProviderError(response), response, now)
  const id = toLine(parseAnswer(response.body).MessageId)
  return id
    ? { kind: 'accepted', providerMessageId: id }
    : toFailure('outcome-unknown', 'success without a MessageId')
}

/** Reads the error from the answer of SES. */
export function toProviderError(response: HttpResponse): ProviderError {
  const answer = parseAnswer(response.body)
  return {
    status: response.status,
    code: typeIn(response, answer),
    message: toLine(answer.message ?? answer.Message),
  }
}

/** `com.amazonaws.ses#MessageRejected:http://…` is `MessageRejected`, in the header or in the body. */
function typeIn(response: HttpResponse, answer: Record<string, unknown>): string {
  const header = response.headers['x-amzn-errortype']
  const given =
    toLine(Array.isArray(header) ? header[0] : header) || toLine(answer.__type) || toLine(answer.code)
  return /(?:^|#)([A-Za-z]+)(?=$|[:#])/.exec(given)?.[1] ?? ''
}
