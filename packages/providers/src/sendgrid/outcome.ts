import { z } from 'zod'
import { listIn, namedIn, parseAnswer, toLine } from '../lib/answer.ts'
import { commonRules } from '../lib/common-rules.ts'
import { retryAfterMs } from '../lib/http.ts'
import { toPartlyRefused } from '../lib/refusals.ts'
import { withRetryAfter } from '../lib/retry-after.ts'
import { judge, type ProviderError, type Rule } from '../lib/rules.ts'
import { toFailure } from '../lib/to-failure.ts'
import type { HttpResponse, SendOutcome } from '../provider.ts'

const blockWaitMs = 10 * 60 * 1000

// The first rule that fits decides. Codes are the names of fields. The meaning of the statuses:
// https://support.sendgrid.com/hc/en-us/articles/18322114821403-4XX-API-Errors-and-Troubleshooting-Suggestions and
// https://www.twilio.com/docs/sendgrid/api-reference/how-to-use-the-sendgrid-v3-api/responses
export const rules: Rule[] = [
  // It failed somewhere inside, perhaps after it had taken the message.
  { status: /5../, is: 'outcome-unknown' },
  // A 401 or 403 that says nothing against the key: the plan's messages are used up.
  { message: /credits exceeded|exceeded your messaging limits/i, is: 'provider-quota-used-up' },
  { status: /429/, is: 'provider-rate-limited' },
  { status: /408/, is: 'provider-unavailable' },
  {
    status: /40[013]/,
    message: /suspended|deactivated|disabled|banned|under review/i,
    is: 'provider-account-suspended',
  },
  // Blocked for a while after many bad requests.
  { status: /403/, message: /temporar|too many/i, is: 'provider-rate-limited', waitMs: blockWaitMs },
  { status: /40[013]/, message: /sender identity|from address/i, is: 'provider-sender-refused' },
  { status: /401/, message: /not authorized/i, is: 'provider-permission-missing' },
  { status: /401/, is: 'provider-credentials-refused' },
  { status: /403/, is: 'provider-permission-missing' },
  // No such API at this address.
  { status: /3..|404|405|406|415/, is: 'provider-settings-wrong' },
  { status: /413/, is: 'message-too-large' },
  { message: /30 ?MB/i, is: 'message-too-large' },
  // The same address twice in to, cc and bcc, in any case.
  { status: /400/, message: /should (be unique|only be included once)/i, is: 'recipient-refused' },
  { code: /^personalizations\.\d+\.(to|cc|bcc)\./, is: 'recipient-refused' },
  { status: /40[03]/, code: /^from\b/, is: 'provider-sender-refused' },
  {
    status: /400/,
    code: /^(subject|content|attachments|headers|custom_args|categories|reply_to)/,
    is: 'message-refused',
  },
  ...commonRules,
]

/** Addresses in the order of the fields of the request. */
export type Reached = Record<'to' | 'cc' | 'bcc', readonly string[]>

/** Derives the outcome from SendGrid's answer: only 202 accepts, without a body. */
export function toOutcome(response: HttpResponse, now: Date, reached: Reached): SendOutcome {
  const told = withRetryAfter(response, secondsToReset(response, now))
  if (response.status < 200 || response.status >= 300)
    return toPartlyRefused(judge(rules, toProviderError(response), told, now), refusedFor(response, reached))
  const id = toLine(header(response, 'x-message-id'))
  // 200 is a message that was looked at, and not queued.
  if (response.status !== 202 || !id)
    return toFailure('outcome-unknown', `${response.status} is no acceptance with an id`)
  const pauseMs = retryAfterMs(told, now)
  return { kind: 'accepted', providerMessageId: id, ...(pauseMs !== undefined && { pauseMs }) }
}

const errors = z.array(z.object({ message: z.string(), field: z.string().nullish() }))

const errorsOf = (response: HttpResponse) =>
  errors.safeParse(listIn(parseAnswer(response.body).errors)).data ?? []

/** Finds the recipients that a call was refused for: named by position, `personalizations.0.cc.3.email`, or by an address that occurs twice. */
function refusedFor(response: HttpResponse, reached: Reached): Set<string> {
  const all = [...reached.to, ...reached.cc, ...reached.bcc]
  const named = errorsOf(response).flatMap(({ field, message }) => {
    const [, list, index] = /^personalizations\.0\.(to|cc|bcc)\.(\d+)\./.exec(field ?? '') ?? []
    if (list === 'to' || list === 'cc' || list === 'bcc') return [reached[list][Number(index)]]
    return namedIn(message, all)
  })
  return new Set(named.filter((address) => address !== undefined))
}

/** Reads the errors from SendGrid's answer: every message, and the first field. */
export function toProviderError(response: HttpResponse): ProviderError {
  const errors = errorsOf(response)
  return {
    status: response.status,
    code: toLine(errors.find(({ field }) => field)?.field),
    message: toLine(errors.map(({ message }) => message).join('; ')),
  }
}

/**
 * When the period of a used-up rate ends:
 * https://www.twilio.com/docs/sendgrid/api-reference/how-to-use-the-sendgrid-v3-api/rate-limits
 */
function secondsToReset(response: HttpResponse, now: Date): string | undefined {
  const isUsedUp = response.status === 202 && header(response, 'x-ratelimit-remaining') === '0'
  const reset = header(response, 'x-ratelimit-reset') ?? ''
  if ((response.status !== 429 && !isUsedUp) || !/^\d+$/.test(reset)) return undefined
  return String(Math.ceil(Number(reset) - now.getTime() / 1000))
}

function header(response: HttpResponse, name: string): string | undefined {
  const field = response.headers[name]
  return Array.isArray(field) ? field[0] : field
}
