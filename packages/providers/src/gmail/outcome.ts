import { z } from 'zod'
import { listIn, parseAnswer, toLine } from '../lib/answer.ts'
import { commonRules } from '../lib/common-rules.ts'
import { withRetryAfter } from '../lib/retry-after.ts'
import { judge, type ProviderError, type Rule } from '../lib/rules.ts'
import { toFailure } from '../lib/to-failure.ts'
import type { HttpResponse, SendOutcome } from '../provider.ts'

// The first rule that fits decides: https://developers.google.com/workspace/gmail/api/guides/handle-errors; `code` holds the
// reasons and the status. 403 says a used-up rate as well as a missing permission.
export const rules: Rule[] = [
  // The limit of one user in 24 hours.
  { status: /403|429/, message: /mail sending|sending (limit|quota)/i, is: 'provider-quota-used-up' },
  { status: /403|429/, code: /dailyLimitExceeded|quotaExceeded/, is: 'provider-quota-used-up' },
  { status: /403|429/, code: /rate_?limit_?exceeded|RESOURCE_EXHAUSTED/i, is: 'provider-rate-limited' },
  { status: /429/, is: 'provider-rate-limited' },
  { status: /408/, is: 'provider-unavailable' },
  // It failed somewhere inside, perhaps after it had taken the message.
  { status: /5../, is: 'outcome-unknown' },
  { message: /account (has been |is )?(suspended|disabled)/i, is: 'provider-account-suspended' },
  { status: /401/, is: 'provider-credentials-refused' },
  // Scopes, delegation, the administrator's policy, an API that is not enabled.
  { status: /403/, is: 'provider-permission-missing' },
  // "Mail service not enabled": the user has no mailbox.
  { status: /400/, code: /failed_?precondition/i, is: 'provider-settings-wrong' },
  { status: /400/, message: /recipient address required/i, is: 'provider-cannot-express' },
  { status: /400/, message: /invalid (to|cc|bcc) header/i, is: 'recipient-refused' },
  { status: /400/, code: /uploadTooLarge/, is: 'message-too-large' },
  { status: /413/, is: 'message-too-large' },
  // No such API at this address, or no such user.
  { status: /3..|404|405/, is: 'provider-settings-wrong' },
  { status: /400/, message: /invalid from header|sender/i, is: 'provider-sender-refused' },
  {
    status: /400/,
    message: /invalid .{0,30}header|invalid (attachment|value|base64)|raw/i,
    is: 'message-refused',
  },
  ...commonRules,
]

const list = z.preprocess(
  (value) => listIn(value),
  z.array(z.object({ reason: z.string().optional() })).catch([]),
)
const error = z
  .object({ message: z.unknown().optional(), status: z.unknown().optional(), errors: list, details: list })
  .catch({ errors: [], details: [] })

/** Derives the outcome of a message from the answer of Gmail. */
export function toOutcome(response: HttpResponse, now: Date): SendOutcome {
  if (response.status >= 200 && response.status < 300) {
    const id = toLine(parseAnswer(response.body).id)
    return id
      ? { kind: 'accepted', providerMessageId: id }
      : toFailure('outcome-unknown', 'success without an id')
  }
  const error = toProviderError(response)
  return judge(rules, error, withRetryAfter(response, toHint(error)), now)
}

/** Reads the error from the answer of Gmail. */
export function toProviderError(response: HttpResponse): ProviderError {
  const { message, status, errors, details } = error.parse(parseAnswer(response.body).error)
  const reasons = [...errors, ...details].map(({ reason }) => reason)
  const code = [...new Set([...reasons, toLine(status)])].filter(Boolean).join(' ')
  return { status: response.status, code: toLine(code), message: toLine(message) }
}

/** Gmail gives the end of the sending limit only in the text: "Retry after 2026-11-20T10:05:00.000Z". */
function toHint({ message }: ProviderError): string | undefined {
  const [, time] = /retry after (\d{4}-\d\d-\d\dT[\d:.]+Z)/i.exec(message) ?? []
  const date = new Date(time ?? '')
  return Number.isNaN(date.getTime()) ? undefined : date.toUTCString()
}
