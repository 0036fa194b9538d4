import { z } from 'zod'
import { parseAnswer, toLine } from '../lib/answer.ts'
import { commonRules } from '../lib/common-rules.ts'
import { retryAfterMs } from '../lib/http.ts'
import { judge, type ProviderError, type Rule } from '../lib/rules.ts'
import { toFailure } from '../lib/to-failure.ts'
import type { HttpResponse, SendOutcome } from '../provider.ts'

const usedUp = /ErrorExceededMessageLimit|ErrorSubmissionQuotaExceeded|ErrorQuotaExceeded/
const tooLarge = /ErrorMessageSizeExceeded|ErrorAttachmentSizeLimitExceeded/

// The first rule that fits decides: https://learn.microsoft.com/en-us/graph/errors for the status, and for the codes of Exchange
// https://learn.microsoft.com/en-us/exchange/client-developer/web-service-reference/responsecode
export const rules: Rule[] = [
  { status: /4../, code: usedUp, is: 'provider-quota-used-up' },
  { status: /429/, is: 'provider-rate-limited' },
  // "Throttled for exceeding the maximum bandwidth cap": not looked at, in spite of its number.
  { status: /509/, is: 'provider-rate-limited' },
  // It failed somewhere inside, perhaps after it had taken the message.
  { status: /408|5../, is: 'outcome-unknown' },
  {
    status: /4../,
    code: /ErrorSendAsDenied|ErrorSendOnBehalf|ErrorInvalidSender/,
    is: 'provider-sender-refused',
  },
  {
    status: /4../,
    code: /ErrorAccountSuspend|ErrorMessageSubmissionBlocked|ErrorAccountDisabled/,
    is: 'provider-account-suspended',
  },
  { status: /401/, is: 'provider-credentials-refused' },
  // A permission or consent that is missing, or a policy that keeps the app out of this mailbox.
  { status: /403/, is: 'provider-permission-missing' },
  // The draft that was just made is not to be seen yet.
  { status: /404/, code: /ErrorItemNotFound/, is: 'provider-unavailable' },
  // No such user, a user without a mailbox, or no such API at this address.
  { status: /3..|404|405/, is: 'provider-settings-wrong' },
  {
    code: /ErrorInvalidUser|MailboxNotEnabledForRESTAPI|ErrorNonExistentMailbox/,
    is: 'provider-settings-wrong',
  },
  { status: /413/, is: 'message-too-large' },
  { code: tooLarge, is: 'message-too-large' },
  { code: /ErrorInvalidRecipients|ErrorRecipientNotFound/, is: 'recipient-refused' },
  { code: /ErrorMimeContentInvalid|ErrorInvalidMime|ErrorContentConversion/, is: 'message-refused' },
  ...commonRules,
]

// The address of an upload carries its own leave and ends with its session: what it refuses for these says nothing about ours.
const pieceRules: Rule[] = [
  { code: usedUp, is: 'provider-quota-used-up' },
  { status: /429|509/, is: 'provider-rate-limited' },
  { status: /413/, is: 'message-too-large' },
  { code: tooLarge, is: 'message-too-large' },
  { is: 'provider-unavailable' },
]

// Tolerant: of all it says, only the id is needed.
const recipients = z.array(z.unknown()).optional().catch(undefined)
const draft = z.object({
  id: z.string().min(1),
  internetMessageId: z.string().min(1).optional().catch(undefined),
  toRecipients: recipients,
  ccRecipients: recipients,
  bccRecipients: recipients,
})

export type Draft = { id: string; messageId: string; recipients: number | undefined }

/** The draft that was made, or why there is none: no mail has left in any case. */
export function toDraft(response: HttpResponse, now: Date): Draft | SendOutcome {
  if (!isSuccess(response)) return toUnsent(response, now)
  const { data } = draft.safeParse(parseAnswer(response.body))
  if (!data) return toFailure('provider-unavailable', 'a draft without an id')
  const { id, internetMessageId, toRecipients, ccRecipients, bccRecipients } = data
  const isTold = toRecipients !== undefined && ccRecipients !== undefined && bccRecipients !== undefined
  return {
    id,
    messageId: toLine(internetMessageId ?? id),
    recipients: isTold ? toRecipients.length + ccRecipients.length + bccRecipients.length : undefined,
  }
}

/** Derives the outcome from the answer to the send request, which has no content of its own. */
export function toOutcome(response: HttpResponse, now: Date, messageId: string): SendOutcome {
  if (response.status !== 202) {
    return isSuccess(response)
      ? toFailure('outcome-unknown', `${response.status} in place of 202`)
      : toRefusal(response, now)
  }
  // Its answer to an accepted message also says when the next one may follow.
  const pauseMs = retryAfterMs(response, now)
  return { kind: 'accepted', providerMessageId: messageId, ...(pauseMs !== undefined && { pauseMs }) }
}

/**
 * A step before the send request that did not finish. It is only unknown whether the draft has changed, and a draft sends
 * nothing.
 */
export function toUnsent(response: HttpResponse, now: Date): SendOutcome {
  if (isSuccess(response)) return toFailure('provider-unavailable', `${response.status} in place of 201`)
  const outcome = toRefusal(response, now)
  return outcome.kind === 'unknown'
    ? toFailure('provider-unavailable', outcome.reason, retryAfterMs(response, now))
    : outcome
}

/** The same of a piece of a file. */
export function toUnsentPiece(response: HttpResponse, now: Date): SendOutcome {
  return judge(pieceRules, toProviderError(response), response, now)
}

function isSuccess({ status }: HttpResponse): boolean {
  return status >= 200 && status < 300
}

function toRefusal(response: HttpResponse, now: Date): SendOutcome {
  return judge(rules, toProviderError(response), response, now)
}

const error = z
  .object({
    code: z.unknown().optional(),
    message: z.unknown().optional(),
    innerError: z.object({ code: z.unknown().optional() }).optional().catch(undefined),
  })
  .catch({})

/** Reads the error from Graph's answer, with the inner code if there is one. */
export function toProviderError(response: HttpResponse): ProviderError {
  const { code, message, innerError } = error.parse(parseAnswer(response.body).error)
  const codes = [toLine(code), toLine(innerError?.code)].filter(Boolean).join(' ')
  return { status: response.status, code: toLine(codes), message: toLine(message) }
}
