import { z } from 'zod'
import { listIn, namedIn, parseAnswer, toLine, toReason } from '../lib/answer.ts'
import { commonRules } from '../lib/common-rules.ts'
import { toPartlyRefused } from '../lib/refusals.ts'
import { judge, type ProviderError, type Rule } from '../lib/rules.ts'
import { toFailure } from '../lib/to-failure.ts'
import type { HttpResponse, RecipientRefusal, SendOutcome } from '../provider.ts'

const noneValid = /at least one valid recipient/i

// The first rule that fits decides: https://developers.sparkpost.com/api/#header-errors
export const rules: Rule[] = [
  // A limit of the plan, by hour, day or month; no message of the request was sent:
  // https://developers.sparkpost.com/api/transmissions/#header-sending-limits
  { status: /420/, is: 'provider-quota-used-up' },
  // The page on rate limiting asks for 1 to 5 s.
  { status: /429/, is: 'provider-rate-limited', waitMs: 5000 },
  // It failed somewhere inside, perhaps after it had taken the message.
  { status: /5../, is: 'outcome-unknown' },
  { status: /401/, is: 'provider-credentials-refused' },
  { status: /403/, code: /^1601$/, is: 'provider-account-suspended' },
  { status: /403/, message: /suspend|terminat/i, is: 'provider-account-suspended' },
  { status: /403/, is: 'provider-permission-missing' },
  // The domain in From is not verified.
  { status: /4../, code: /^7001$/, is: 'provider-sender-refused' },
  { status: /400|422/, message: noneValid, is: 'recipient-refused' },
  // Something is wrong with recipients, perhaps with some of them only.
  { status: /422/, code: /^500[12]$/, is: 'recipient-refused' },
  // Generation rejected: an address that is on the suppression list, in most cases of a call to one.
  { status: /4../, code: /^1902$/, message: /content|spam|virus/i, is: 'message-refused' },
  { status: /4../, code: /^1902$/, is: 'recipient-refused' },
  // An account in a sandbox, domains, fields: https://support.sparkpost.com/docs/tech-resources/extended-error-codes
  { status: /4../, code: /^2106$/, is: 'provider-sandbox' },
  { status: /4../, code: /^7000$/, is: 'provider-sender-refused' },
  { status: /4../, code: /^(2009|201[012])$/, is: 'provider-settings-wrong' },
  { status: /4../, code: /^1502$/, is: 'provider-unavailable' },
  { status: /4../, code: /^(1300|1301|1305|1400|1401|1901|3\d{3})$/, is: 'message-refused' },
  // No such API at this address.
  { status: /3..|404|405/, is: 'provider-settings-wrong' },
  { status: /413/, is: 'message-too-large' },
  ...commonRules,
]

const codeText = z.union([z.string(), z.number()]).transform(String)
const errorText = z.object({ message: z.unknown(), description: z.unknown(), code: codeText }).partial()
const errorList = z.preprocess((value) => listIn(value), z.array(errorText))
const results = z.object({
  id: z.string().min(1),
  total_accepted_recipients: z.number(),
  total_rejected_recipients: z.number(),
  rcpt_to_errors: errorList.optional().catch(undefined),
})

/** Derives the outcome from SparkPost's answer, which counts refused recipients but need not name them. */
export function toOutcome(response: HttpResponse, now: Date, envelopeTo: readonly string[]): SendOutcome {
  if (response.status < 200 || response.status >= 300)
    return toPartlyRefused(
      judge(rules, toProviderError(response), response, now),
      refusedFor(response, envelopeTo),
    )
  const { data } = results.safeParse(parseAnswer(response.body).results)
  if (!data) return toFailure('outcome-unknown', 'success without the numbers of recipients')
  const { id, total_accepted_recipients: taken, total_rejected_recipients: refusedCount } = data
  const reasons = (data.rcpt_to_errors ?? []).map(toText)
  if (taken === 0 && refusedCount === 0)
    return toFailure('outcome-unknown', 'success that counts no recipient')
  if (taken === 0) {
    const outcome = toFailure('recipient-refused', reasons[0] || 'all recipients were refused')
    return toPartlyRefused(outcome, envelopeTo)
  }
  const refused = toRefusals(envelopeTo, reasons)
  if (refused.length !== refusedCount) {
    // It is not known which of them get the mail; events may show it later.
    const counts = `${refusedCount} of ${envelopeTo.length} recipients were refused, and the answer does not name them`
    return toFailure('outcome-unknown', toReason(counts, reasons[0] ?? ''))
  }
  return { kind: 'accepted', providerMessageId: toLine(id), ...(refused.length > 0 && { refused }) }
}

/** Finds the recipients that a request was refused for: all if none is valid, otherwise those whose addresses it repeats. */
function refusedFor(response: HttpResponse, envelopeTo: readonly string[]): readonly string[] {
  const texts = errorsOf(response).map(toText)
  if (texts.some((text) => noneValid.test(text))) return envelopeTo
  return toRefusals(envelopeTo, texts).map(({ address }) => address)
}

function toRefusals(envelopeTo: readonly string[], reasons: readonly string[]): RecipientRefusal[] {
  const found = new Map<string, string>()
  for (const reason of reasons) {
    for (const address of namedIn(reason, envelopeTo)) if (!found.has(address)) found.set(address, reason)
  }
  return envelopeTo.flatMap((address) => {
    const reason = found.get(address)
    return reason === undefined
      ? []
      : [{ address, kind: 'rejected' as const, code: 'recipient-refused' as const, reason }]
  })
}

function errorsOf(response: HttpResponse): z.infer<typeof errorList> {
  return errorList.safeParse(parseAnswer(response.body).errors).data ?? []
}

/** Reads the first error from SparkPost's answer. */
export function toProviderError(response: HttpResponse): ProviderError {
  const first = errorsOf(response)[0] ?? {}
  return { status: response.status, code: toLine(first.code), message: toText({ ...first, code: '' }) }
}

function toText({ code, message, description }: z.infer<typeof errorText>): string {
  return toReason(toLine(code), toLine(message), toLine(description))
}
