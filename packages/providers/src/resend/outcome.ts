import { parseAnswer, toLine, toReason } from '../answer.ts'
import { retryAfterMs } from '../http.ts'
import type { HttpResponse, SendOutcome } from '../provider.ts'

const usedUpWaitMs = 3_600_000

type Rule = {
  status?: RegExp
  name?: RegExp
  is: 'deferred' | 'unknown' | 'message' | 'account'
  waitMs?: number
}

// The first rule that fits decides: https://resend.com/docs/api-reference/errors
const rules: Rule[] = [
  // An earlier try under the same key is still under way there: it may well be accepted.
  { status: /409/, name: /concurrent_idempotent/, is: 'unknown' },
  { status: /429/, name: /quota/, is: 'deferred', waitMs: usedUpWaitMs },
  { status: /408|429/, is: 'deferred' },
  // It failed somewhere inside, perhaps after it had taken the message; a repeat under the same key is safe.
  { status: /5../, is: 'unknown' },
  // No such API at this address, a wrong or restricted key, a domain that is not verified, an account under review.
  { status: /3..|401|403|404|405|451/, is: 'account' },
  { is: 'message' },
]

/** What an answer of Resend means for the message. */
export function toOutcome(response: HttpResponse, now: Date): SendOutcome {
  const answer = parseAnswer(response.body)
  if (response.status >= 200 && response.status < 300) return toAccepted(answer)
  const name = toLine(answer.name)
  const reason = toReason(response.status, name, toLine(answer.message))
  const rule = rules.find((candidate) => fits(candidate, response.status, name))
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
  const id = toLine(answer.id)
  return id
    ? { kind: 'accepted', providerMessageId: id }
    : { kind: 'unknown', reason: 'success without an id' }
}

function fits(rule: Rule, status: number, name: string): boolean {
  return (rule.status?.test(String(status)) ?? true) && (rule.name?.test(name) ?? true)
}
