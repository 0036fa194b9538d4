import { z } from 'zod'
import { parseAnswer, toLine, toReason } from '../lib/answer.ts'
import { commonRules } from '../lib/common-rules.ts'
import { classOf, type FailureCode } from '../lib/failures.ts'
import { toRefusedOutcome } from '../lib/refusals.ts'
import { judge, type ProviderError, type Rule } from '../lib/rules.ts'
import { toFailure } from '../lib/to-failure.ts'
import type { HttpResponse, RecipientRefusal, SendOutcome } from '../provider.ts'

// The first rule that fits decides. The name counts, since errors of any kind may come with status 500. Names:
// https://github.com/mailchimp/mailchimp-client-lib-codegen/blob/main/spec/transactional.openapi.json
export const rules: Rule[] = [
  { code: /^RequestLimitExceeded$/, is: 'provider-rate-limited' },
  // The part of Mandrill that takes messages is down for maintenance: so the official PHP client explains it.
  { code: /^ServiceUnavailable$/, is: 'provider-unavailable' },
  { code: /^Invalid_Key$/, is: 'provider-credentials-refused' },
  { code: /^PaymentRequired$/, is: 'provider-account-suspended' },
  { code: /^Unknown_(Subaccount|Pool)$/, is: 'provider-settings-wrong' },
  {
    code: /^(Unknown_Template|Invalid_Template|Unknown_TrackingDomain|Invalid_CustomDNS)/,
    is: 'provider-settings-wrong',
  },
  // Without a key in the request, or of a kind that the key may not use.
  { code: /^ValidationError$/, message: /key value|\bkey\b/i, is: 'provider-credentials-refused' },
  {
    code: /^(ValidationError|Invalid_|Unknown_)/,
    message: /from_email|sender/i,
    is: 'provider-sender-refused',
  },
  { code: /^ValidationError$/, is: 'message-refused' },
  { status: /429/, is: 'provider-rate-limited' },
  // GeneralError, too: it failed somewhere inside, perhaps after it had taken the message.
  { status: /2..|5../, is: 'outcome-unknown' },
  { code: /^GeneralError$/, is: 'outcome-unknown' },
  { status: /401/, is: 'provider-credentials-refused' },
  { status: /402/, is: 'provider-account-suspended' },
  { status: /403/, is: 'provider-permission-missing' },
  // No such API at this address.
  { status: /3..|404|405/, is: 'provider-settings-wrong' },
  { status: /413/, is: 'message-too-large' },
  ...commonRules,
]

// https://mailchimp.com/developer/transactional/api/messages/; other reasons name the recipient's fault.
const refusalCodes: Record<string, FailureCode> = {
  'invalid-sender': 'provider-sender-refused',
  unsigned: 'provider-sender-refused',
  'test-mode-limit': 'provider-quota-used-up',
  rule: 'message-refused',
}

/** Of one answer: more than a message has recipients. */
const resultsMax = 1000

const hourMs = 3_600_000

/** Taken, but kept there: until when no more should follow. https://mailchimp.com/developer/transactional/docs/outbound-email/#the-backlog */
const pauses: Record<string, number> = {
  'hourly-quota-exhausted': hourMs / 4,
  'sending-backlogged': hourMs / 4,
  'monthly-limit-reached': hourMs,
  'free-trial-sends-exhausted': hourMs,
  'sending-paused': hourMs,
  'sending-suspended': hourMs,
  'account-suspended': hourMs,
}

const results = z
  .array(
    z.object({
      email: z.string(),
      status: z.enum(['sent', 'queued', 'scheduled', 'rejected', 'invalid']),
      _id: z.string().nullish(),
      reject_reason: z.string().nullish(),
      queued_reason: z.string().nullish(),
    }),
  )
  .min(1)
type Result = z.infer<typeof results>[number]

/** Derives the outcome of a message from Mandrill's answer, which lists each recipient in any order. */
export function toOutcome(response: HttpResponse, now: Date, envelopeTo: readonly string[]): SendOutcome {
  const error = toProviderError(response)
  if (response.status < 200 || response.status >= 300 || error.code) return judge(rules, error, response, now)
  // A list reads as an object of its positions.
  const { data } = results.safeParse(Object.values(parseAnswer(response.body)).slice(0, resultsMax))
  if (!data) return toFailure('outcome-unknown', 'success without a status for each recipient')
  const ours = new Map(envelopeTo.map((address) => [address.toLowerCase(), address]))
  const isRefused = ({ status }: Result) => status === 'rejected' || status === 'invalid'
  const refused = data.filter(isRefused).map((result) => toRefusal(result, ours))
  const taken = data.filter((result) => !isRefused(result))
  return taken.length === 0 ? toAllRefused(refused) : toAccepted(taken, refused)
}

function toAccepted(taken: Result[], refused: RecipientRefusal[]): SendOutcome {
  const id = toLine(taken.find(({ _id }) => _id)?._id)
  if (!id) return toFailure('outcome-unknown', 'success without an _id')
  const pauseMs = Math.max(...taken.map(({ queued_reason }) => pauses[queued_reason ?? ''] ?? 0))
  return {
    kind: 'accepted',
    providerMessageId: id,
    ...(refused.length > 0 && { refused }),
    ...(pauseMs > 0 && { pauseMs }),
  }
}

/** A fault of the account outweighs those of single recipients: nothing went out, and another connection may be used. */
function toAllRefused(refused: RecipientRefusal[]): SendOutcome {
  const ofAccount = refused.find(({ code }) => classOf(code).outcome === 'rejected-account')
  return ofAccount ? toFailure(ofAccount.code, ofAccount.reason) : toRefusedOutcome(refused)
}

function toRefusal(result: Result, ours: ReadonlyMap<string, string>): RecipientRefusal {
  const why = toLine(result.reject_reason)
  const code = refusalCodes[why] ?? 'recipient-refused'
  return {
    address: ours.get(result.email.toLowerCase()) ?? toLine(result.email),
    // Reasons outside the recipient and the message are retried.
    kind: classOf(code).outcome === 'rejected-message' ? 'rejected' : 'deferred',
    code,
    reason: toReason(result.status, why),
  }
}

/** Reads the error from the answer of Mandrill. */
export function toProviderError(response: HttpResponse): ProviderError {
  const answer = parseAnswer(response.body)
  return { status: response.status, code: toLine(answer.name), message: toLine(answer.message) }
}
