import type { RecipientRefusal, SendOutcome } from '../provider.ts'
import { toRefusedOutcome } from '../refusals.ts'

const reasonCharsMax = 500

/** The step of a session that a reply answered; `open` is everything before MAIL FROM. */
export type Phase = 'open' | 'mail' | 'rcpt' | 'data'

/** How one hand-over ended, in terms of SMTP. */
export type Transfer =
  | { kind: 'accepted'; reply: string; refused: { address: string; reply: string }[] }
  | { kind: 'refused'; phase: Phase; reply: string; refused: { address: string; reply: string }[] }
  /** No usable reply; `complete`: the server may hold the whole message. */
  | { kind: 'lost'; complete: boolean; reason: string }
  /** Not tried: these settings and this server cannot work together. */
  | { kind: 'misconfigured'; reason: string }

type Verdict = 'deferred' | 'message' | 'account'
type Rule = { phase?: Phase; code?: RegExp; enhanced?: RegExp; text?: RegExp; is: Verdict }

// The first rule that fits decides. Codes: https://www.rfc-editor.org/rfc/rfc5321#section-4.2.3,
// enhanced codes: https://www.iana.org/assignments/smtp-enhanced-status-codes
const rules: Rule[] = [
  { code: /^4/, is: 'deferred' },
  { enhanced: /^4\./, is: 'deferred' },
  // Out of sequence: a new session begins anew.
  { code: /^503/, is: 'deferred' },
  // Too many recipients at once: the rest goes with the next attempt.
  { enhanced: /^5\.5\.3$/, is: 'deferred' },
  // The account's own daily limit (Gmail).
  { enhanced: /^5\.4\.5$/, is: 'deferred' },
  { code: /^53[0458]/, is: 'account' },
  // Authentication, encryption, and accounts that Exchange Online has blocked.
  { enhanced: /^5\.7\.([89]|1[0-4]|30|70[58])$/, is: 'account' },
  // Not the recipient's fault: the sender is not one of this account's.
  { enhanced: /^5\.1\.[78]$/, is: 'account' },
  {
    text: /relay(ing)?( access)? (is )?(denied|not (permitted|allowed))|(unable|not permitted) to relay/i,
    is: 'account',
  },
  { phase: 'open', is: 'account' },
  // Syntax and size are the message's own; any other refusal of a sender is about the account.
  { phase: 'mail', code: /^(501|523|552|555)/, is: 'message' },
  { phase: 'mail', is: 'account' },
  { is: 'message' },
]

/** What a transfer means for the message. */
export function toOutcome(transfer: Transfer, ownId: string): SendOutcome {
  switch (transfer.kind) {
    case 'accepted': {
      const refused = transfer.refused.map(toRefusal)
      const providerMessageId = idIn(transfer.reply) ?? ownId
      return { kind: 'accepted', providerMessageId, ...(refused.length > 0 && { refused }) }
    }
    case 'refused':
      return toRefusedTransfer(transfer)
    case 'lost':
      return { kind: transfer.complete ? 'unknown' : 'deferred', reason: shorten(transfer.reason) }
    case 'misconfigured':
      return { kind: 'rejected', scope: 'account', reason: shorten(transfer.reason) }
  }
}

function toRefusedTransfer({ phase, reply, refused }: Transfer & { kind: 'refused' }): SendOutcome {
  if (phase === 'rcpt' && refused.length > 0) {
    const account = refused.find((refusal) => judge('rcpt', refusal.reply) === 'account')
    if (account) return { kind: 'rejected', scope: 'account', reason: shorten(account.reply) }
    return toRefusedOutcome(refused.map(toRefusal))
  }
  const verdict = judge(phase, reply)
  const reason = shorten(reply)
  return verdict === 'deferred' ? { kind: 'deferred', reason } : { kind: 'rejected', scope: verdict, reason }
}

function toRefusal({ address, reply }: { address: string; reply: string }): RecipientRefusal {
  const kind = judge('rcpt', reply) === 'deferred' ? 'deferred' : 'rejected'
  return { address, kind, reason: shorten(reply) }
}

function judge(phase: Phase, reply: string): Verdict {
  const [, code = '', enhanced = ''] = /^(\d{3})[ -]?(\d\.\d{1,3}\.\d{1,3})?/.exec(reply) ?? []
  const rule = rules.find(
    (candidate) =>
      (candidate.phase === undefined || candidate.phase === phase) &&
      (candidate.code === undefined || candidate.code.test(code)) &&
      (candidate.enhanced === undefined || candidate.enhanced.test(enhanced)) &&
      (candidate.text === undefined || candidate.text.test(reply)),
  )
  return rule?.is ?? 'message'
}

// Postfix `queued as X`, SES `Ok X`, Exchange `<X> [Hostname=…]`, Exim `id=X`.
const idForms = [
  /queued as ([\w.-]{4,128})/i,
  /<([^<>\s]{3,250})>/,
  /\bid=([\w.-]{4,128})/i,
  /^250 (?:\d\.\d\.\d )?ok:? ([\w-]{12,128})$/i,
]

function idIn(reply: string): string | undefined {
  for (const form of idForms) {
    const id = form.exec(reply)?.[1]
    if (id) return id
  }
  return undefined
}

function shorten(reply: string): string {
  return reply
    .replace(/[\p{Cc}\s]+/gu, ' ')
    .trim()
    .slice(0, reasonCharsMax)
}
