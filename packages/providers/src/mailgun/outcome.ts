import { parseAnswer, toLine } from '../lib/answer.ts'
import { commonRules } from '../lib/common-rules.ts'
import { withRetryAfter } from '../lib/retry-after.ts'
import { judge, type ProviderError, type Rule } from '../lib/rules.ts'
import { toFailure } from '../lib/to-failure.ts'
import type { HttpResponse, SendOutcome } from '../provider.ts'

const plainBytesMax = 1000

// The first rule that fits decides. Most refusals of a domain or an account are a 400 or a 403, and only their words
// tell them apart: https://github.com/mailgun/documentation/blob/master/source/api-sending.rst#error-codes
export const rules: Rule[] = [
  // It failed somewhere inside, perhaps after it had taken the message.
  { status: /5../, is: 'outcome-unknown' },
  // "recipient limit exceeded, try again after …" comes as 429 or as 420: https://github.com/mailgun/mailgun-java/issues/50
  { message: /limit exceeded, try again/i, is: 'provider-rate-limited' },
  { status: /420|429/, is: 'provider-rate-limited' },
  { status: /408/, is: 'provider-unavailable' },
  { status: /401/, is: 'provider-credentials-refused' },
  {
    status: /40[023]/,
    message: /exceeded|reached .*limit|limit .{0,20}reached/i,
    is: 'provider-quota-used-up',
  },
  { status: /40[03]/, message: /for test purposes only|large batches yet/i, is: 'provider-sandbox' },
  { status: /40[03]/, message: /unverified|requires DNS/i, is: 'provider-sender-refused' },
  {
    status: /40[023]/,
    message: /activate your|disabled|suspended|terminated|inactive/i,
    is: 'provider-account-suspended',
  },
  // The plan does not carry it, or it is not paid.
  { status: /402/, is: 'provider-account-suspended' },
  { status: /403/, is: 'provider-permission-missing' },
  // No such domain in this region, or no such API at this address.
  { status: /3..|404|405/, is: 'provider-settings-wrong' },
  { status: /413/, is: 'message-too-large' },
  // The name of the parameter is in quotes, or not.
  { status: /400/, message: /\bfrom['"]? parameter is not a valid/i, is: 'provider-sender-refused' },
  { status: /400/, message: /\b(to|cc|bcc)['"]? parameter is not a valid/i, is: 'recipient-refused' },
  { status: /400/, message: /limited to \d+ ?kB|max(imum)? is|\bparameters?\b/i, is: 'message-refused' },
  ...commonRules,
]

/** Derives the outcome of a message from the answer of Mailgun. */
export function toOutcome(response: HttpResponse, now: Date): SendOutcome {
  if (response.status < 200 || response.status >= 300) {
    const error = toProviderError(response)
    return judge(rules, error, withRetryAfter(response, toHint(response, error)), now)
  }
  // Its events name the id without the brackets.
  const id = toLine(parseAnswer(response.body).id).replace(/^<(.+)>$/, '$1')
  if (id) return { kind: 'accepted', providerMessageId: id }
  return isGreeting(response)
    ? toFailure('provider-settings-wrong', 'there is no such API at this address')
    : toFailure('outcome-unknown', 'success without an id')
}

/** Reads the error from Mailgun's answer; a wrong key is answered in plain text. */
export function toProviderError(response: HttpResponse): ProviderError {
  const { message } = parseAnswer(response.body)
  return {
    status: response.status,
    code: '',
    message: toLine(message ?? response.body.subarray(0, plainBytesMax).toString()),
  }
}

/** The page at the root of the API, which also answers requests that lead nowhere with 200. */
function isGreeting({ body }: HttpResponse): boolean {
  return body.subarray(0, plainBytesMax).includes('Mailgun Magnificent API')
}

/** Mailgun names a wait in the answer itself, as a date or in seconds. */
function toHint(response: HttpResponse, { message }: ProviderError): string | undefined {
  const seconds = parseAnswer(response.body)['retry-seconds']
  if (typeof seconds === 'number') return String(Math.ceil(seconds))
  return /try again after (.*\d)/i.exec(message)?.[1]?.concat(' GMT')
}
