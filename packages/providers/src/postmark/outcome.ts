import { namedIn, parseAnswer, toLine } from '../lib/answer.ts'
import { commonRules } from '../lib/common-rules.ts'
import { toPartlyRefused, toRefusedOutcome } from '../lib/refusals.ts'
import { judge, type ProviderError, type Rule } from '../lib/rules.ts'
import { toFailure } from '../lib/to-failure.ts'
import type { HttpResponse, RecipientRefusal, SendOutcome } from '../provider.ts'

// The first rule that fits decides. `code` is the ErrorCode of the body, whose numbers mean other things than those of
// HTTP: https://postmarkapp.com/developer/api/overview#error-codes
export const rules: Rule[] = [
  { code: /^100$/, is: 'provider-unavailable' },
  { status: /429/, is: 'provider-rate-limited' },
  { code: /^429$/, is: 'provider-rate-limited' },
  // It failed somewhere inside, perhaps after it had taken the message.
  { status: /5../, is: 'outcome-unknown' },
  { code: /^10$/, is: 'provider-credentials-refused' },
  // Out of credits.
  { code: /^405$/, is: 'provider-quota-used-up' },
  // Until it is approved, an account writes to the domain in From only.
  { code: /^412$/, is: 'provider-sandbox' },
  { code: /^413$/, is: 'provider-account-suspended' },
  { code: /^40[01]$/, is: 'provider-sender-refused' },
  { code: /^300$/, message: /^(invalid|error parsing) 'from'/i, is: 'provider-sender-refused' },
  { code: /^300$/, message: /^(invalid|error parsing) '(to|cc|bcc)'/i, is: 'recipient-refused' },
  { code: /^406$/, is: 'recipient-refused' },
  // No such stream, or not one to send through.
  { code: /^12(21|26|27|35|36)$/, is: 'provider-settings-wrong' },
  // Templates and signatures, which are the account's.
  { code: /^(11\d\d|50[1-9]|51\d|52\d|6\d\d)$/, is: 'provider-settings-wrong' },
  {
    code: /^300$/,
    message: /metadata|'(reply|subject)|recipients specified|(text|html)body|attachment|header/i,
    is: 'message-refused',
  },
  { code: /^(402|403|409|410|411)$/, is: 'message-refused' },
  { status: /413/, is: 'message-too-large' },
  { status: /401/, is: 'provider-credentials-refused' },
  // Stopped before the API: https://postmarkapp.com/support/article/getting-a-403-that-doesnt-look-like-a-postmark-error
  { status: /403/, is: 'provider-permission-missing' },
  // No such API at this address.
  { status: /3..|404|405|415/, is: 'provider-settings-wrong' },
  ...commonRules,
]

/** Derives the outcome of a message to these addresses from Postmark's answer. */
export function toOutcome(response: HttpResponse, now: Date, envelopeTo: readonly string[]): SendOutcome {
  const error = toProviderError(response)
  const accepts = response.status >= 200 && response.status < 300 && /^0?$/.test(error.code)
  return accepts ? toAccepted(response, envelopeTo) : toRefusal(response, error, now, envelopeTo)
}

/** Reads the error from the answer of Postmark. */
export function toProviderError(response: HttpResponse): ProviderError {
  const answer = parseAnswer(response.body)
  const code = typeof answer.ErrorCode === 'number' ? String(answer.ErrorCode) : toLine(answer.ErrorCode)
  return { status: response.status, code, message: toLine(answer.Message) }
}

/** Inactive addresses are named only in the text: "Message OK, but will not deliver to these inactive addresses: …". */
function toAccepted({ body }: HttpResponse, envelopeTo: readonly string[]): SendOutcome {
  const { MessageID, Message } = parseAnswer(body)
  const providerMessageId = toLine(MessageID)
  if (!providerMessageId) return toFailure('outcome-unknown', 'success without a MessageID')
  const isPartial = /will not deliver/i.test(toLine(Message))
  const refused = isPartial ? namedIn(Message, envelopeTo).map((address) => inactive(address)) : []
  if (refused.length > 0 && refused.length === envelopeTo.length) return toRefusedOutcome(refused)
  return { kind: 'accepted', providerMessageId, ...(refused.length > 0 && { refused }) }
}

/** One refused recipient keeps the message from all of them. */
function toRefusal(
  response: HttpResponse,
  error: ProviderError,
  now: Date,
  envelopeTo: readonly string[],
): SendOutcome {
  const named = namedIn(parseAnswer(response.body).Message, envelopeTo)
  return toPartlyRefused(judge(rules, error, response, now), named)
}

function inactive(address: string): RecipientRefusal {
  const reason = 'Postmark holds this address as inactive, after a hard bounce or a complaint'
  return { address, kind: 'rejected', code: 'recipient-refused', reason }
}
