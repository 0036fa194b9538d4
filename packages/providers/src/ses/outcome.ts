import { parseAnswer, toLine, toReason } from '../answer.ts'
import { retryAfterMs } from '../http.ts'
import type { HttpResponse, SendOutcome } from '../provider.ts'

const dailyQuotaWaitMs = 10 * 60 * 1000

type Fault = { status: number; type: string; message: string }
type Rule = {
  type?: RegExp
  status?: RegExp
  message?: RegExp
  is: 'deferred' | 'unknown' | 'message' | 'account'
  waitMs?: number
}

// The first rule that fits decides. Types: https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html and
// https://docs.aws.amazon.com/ses/latest/APIReference-V2/CommonErrors.html
const rules: Rule[] = [
  { type: /Throttling/, message: /daily/i, is: 'deferred', waitMs: dailyQuotaWaitMs },
  {
    type: /TooManyRequests|Throttling|LimitExceeded|ConcurrentModification|ServiceUnavailable/,
    is: 'deferred',
  },
  { status: /429|503/, is: 'deferred' },
  // It failed somewhere inside, perhaps after it had taken the message.
  { status: /5../, is: 'unknown' },
  { type: /AccountSuspended|SendingPaused|MailFromDomainNotVerified/, is: 'account' },
  { type: /MessageRejected/, message: /not verified/i, is: 'account' },
  {
    type: /AccessDenied|UnrecognizedClient|InvalidClientTokenId|Signature|ExpiredToken|RequestExpired/,
    is: 'account',
  },
  { type: /MissingAuthenticationToken|NotAuthorized|OptInRequired/, is: 'account' },
  // No such configuration set, or no such API at this address.
  { status: /3..|401|403|404|405/, is: 'account' },
  { is: 'message' },
]

/** What an answer of SES means for the message. */
export function toOutcome(response: HttpResponse, now: Date): SendOutcome {
  const answer = parseAnswer(response.body)
  if (response.status >= 200 && response.status < 300) return toAccepted(answer)
  const fault = {
    status: response.status,
    type: typeIn(response, answer),
    message: toLine(answer.message ?? answer.Message),
  }
  const rule = rules.find((candidate) => fits(candidate, fault))
  const reason = toReason(fault.status, fault.type, fault.message)
  switch (rule?.is) {
    case 'unknown':
      return { kind: 'unknown', reason }
    case 'deferred': {
      const waitMs = retryAfterMs(response, now) ?? rule.waitMs
      return { kind: 'deferred', reason, ...(waitMs !== undefined && { retryAfterMs: waitMs }) }
    }
    default:
      return { kind: 'rejected', scope: rule?.is ?? 'message', reason }
  }
}

function toAccepted(answer: Record<string, unknown>): SendOutcome {
  const id = toLine(answer.MessageId)
  return id
    ? { kind: 'accepted', providerMessageId: id }
    : { kind: 'unknown', reason: 'success without a MessageId' }
}

function fits(rule: Rule, fault: Fault): boolean {
  return (
    (rule.type === undefined || rule.type.test(fault.type)) &&
    (rule.status === undefined || rule.status.test(String(fault.status))) &&
    (rule.message === undefined || rule.message.test(fault.message))
  )
}

/** `com.amazonaws.ses#MessageRejected:http://…` is `MessageRejected`, in the header or in the body. */
function typeIn(response: HttpResponse, answer: Record<string, unknown>): string {
  const header = response.headers['x-amzn-errortype']
  const given = (Array.isArray(header) ? header[0] : header) || toLine(answer.__type) || toLine(answer.code)
  return /(?:^|#)([A-Za-z]+)(?=$|[:#])/.exec(given)?.[1] ?? ''
}
