import { classOf, type FailureCode, toFailure } from '../failures.ts'
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
  /** Not begun: no session was free in time. */
  | { kind: 'busy'; reason: string }
  /** Not tried: there was no token, or these settings and this server cannot work together. */
  | { kind: 'misconfigured'; code: FailureCode; reason: string; waitMs?: number | undefined }

type SmtpRule = { phase?: Phase; code?: RegExp; enhanced?: RegExp; text?: RegExp; is: FailureCode }

// The first rule that fits decides. Codes: https://www.rfc-editor.org/rfc/rfc5321#section-4.2.3,
// enhanced codes: https://www.iana.org/assignments/smtp-enhanced-status-codes
const rules: SmtpRule[] = [
  // What is said of one recipient's mailbox, or of too many recipients in one go (the rest goes with the next attempt), is
  // no limit of the account, in whatever words.
  { phase: 'rcpt', enhanced: /^4\.(2\.\d+|5\.3)$/, is: 'recipient-deferred' },
  { phase: 'data', enhanced: /^4\.(2\.2|5\.3)$/, is: 'recipient-deferred' },
  // "454 Throttling failure: Daily message quota exceeded": https://docs.aws.amazon.com/ses/latest/dg/manage-sending-quotas-errors.html
  { code: /^4/, text: /\bdaily (message|sending) quota/i, is: 'provider-quota-used-up' },
  // Rates and limits of the account (Exchange Online, Gmail, Brevo and others say so in words or by 4.7.0 and 5.4.5).
  { phase: 'rcpt', enhanced: /^4\.7\.28$/, is: 'provider-rate-limited' },
  { phase: 'rcpt', code: /^4/, text: /\b(rate|sending) limit|throttl/i, is: 'provider-rate-limited' },
  { phase: 'rcpt', code: /^4/, is: 'recipient-deferred' },
  { code: /^4/, text: /\brate|\blimit|quota|too many|throttl/i, is: 'provider-rate-limited' },
  { phase: 'data', code: /^4/, is: 'recipient-deferred' },
  { code: /^4/, is: 'provider-unavailable' },
  { enhanced: /^4\./, is: 'recipient-deferred' },
  // Out of sequence: a new session begins anew.
  { code: /^503/, is: 'provider-unavailable' },
  // Too many recipients at once.
  { enhanced: /^5\.5\.3$/, is: 'recipient-deferred' },
  // The account's own limit of a day (Gmail, Exchange Online), by number or in words.
  { enhanced: /^5\.(4\.5|7\.23[23])$/, is: 'provider-quota-used-up' },
  { text: /(sending|relay) limit|submission ?quota/i, is: 'provider-quota-used-up' },
  // Unless it is a mailbox that is full.
  {
    enhanced: /^(?!5\.2\.2$)/,
    text: /^(?!.*mailbox).*quota ?(was |has been )?exceeded/i,
    is: 'provider-quota-used-up',
  },
  { code: /^53[0458]/, is: 'provider-credentials-refused' },
  // Accounts that Exchange Online has blocked.
  { enhanced: /^5\.7\.70[58]$/, is: 'provider-account-suspended' },
  { enhanced: /^5\.1\.8$/, text: /bad outbound sender/i, is: 'provider-account-suspended' },
  // Authentication and encryption.
  { enhanced: /^5\.7\.([89]|1[0-4]|30)$/, is: 'provider-credentials-refused' },
  // Not the recipient's fault: the sender is not one of this account's. Postfix keeps its refusal of a sender or a client until
  // RCPT (smtpd_delay_reject), Exchange, SES and SendGrid theirs until the message is there: so it must not be told by the phase.
  { enhanced: /^5\.(1\.[78]|7\.60|2\.252)$/, is: 'provider-sender-refused' },
  {
    text: /sender address rejected|not owned by|send ?as ?denied|(permissions?|allowed) to send as|verified sender|address is not verified/i,
    is: 'provider-sender-refused',
  },
  { text: /client host rejected/i, is: 'provider-permission-missing' },
  {
    text: /relay(ing)?( access)? (is )?(denied|not (permitted|allowed))|(unable|not permitted) to relay/i,
    is: 'provider-permission-missing',
  },
  { phase: 'open', is: 'provider-settings-wrong' },
  // Syntax and size are the message's own; any other refusal of a sender is about the account.
  { code: /^(523|552)/, enhanced: /^5\.3\.4$|^$/, is: 'message-too-large' },
  { phase: 'mail', code: /^(501|523|552|555)/, is: 'message-refused' },
  { phase: 'mail', is: 'provider-sender-refused' },
  { phase: 'rcpt', is: 'recipient-refused' },
  { is: 'message-refused' },
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
      return toFailure(
        transfer.complete ? 'outcome-unknown' : 'provider-unreachable',
        shorten(transfer.reason),
      )
    case 'busy':
      return toFailure('connection-busy', transfer.reason)
    case 'misconfigured':
      return toFailure(transfer.code, shorten(transfer.reason), transfer.waitMs)
  }
}

function toRefusedTransfer({ phase, reply, refused }: Transfer & { kind: 'refused' }): SendOutcome {
  if (phase !== 'rcpt' || refused.length === 0) return toFailure(judgeReply(phase, reply), shorten(reply))
  const account = refused.find(
    (refusal) => classOf(judgeReply('rcpt', refusal.reply)).outcome === 'rejected-account',
  )
  if (account) return toFailure(judgeReply('rcpt', account.reply), shorten(account.reply))
  return toRefusedOutcome(refused.map(toRefusal))
}

/** What a reply to one RCPT means; what the account may not do for this one, another connection may. */
export function toRefusal({ address, reply }: { address: string; reply: string }): RecipientRefusal {
  const code = judgeReply('rcpt', reply)
  const kind = classOf(code).outcome === 'rejected-message' ? 'rejected' : 'deferred'
  return { address, kind, code, reason: shorten(reply) }
}

/** What the server says itself: not the address that it repeats (`corporate` holds a `rate`), nor the codes that begin its lines. */
function wordsOf(reply: string): string {
  return reply.replace(/\s+\d{3}-?( ?\d\.\d{1,3}\.\d{1,3})? /g, ' ').replace(/<?[^\s<>]+@[^\s<>]+>?/g, '')
}

/** The class of a refusing reply. */
export function judgeReply(phase: Phase, reply: string): FailureCode {
  const [, code = '', enhanced = ''] = /^(\d{3})[ -]?(\d\.\d{1,3}\.\d{1,3})?/.exec(reply) ?? []
  const words = wordsOf(reply)
  const rule = rules.find(
    (candidate) =>
      (candidate.phase === undefined || candidate.phase === phase) &&
      (candidate.code === undefined || candidate.code.test(code)) &&
      (candidate.enhanced === undefined || candidate.enhanced.test(enhanced)) &&
      (candidate.text === undefined || candidate.text.test(words)),
  )
  return rule?.is ?? 'message-refused'
}

// Postfix `queued as X`, SES `Ok X`, Exchange `<X> [Hostname=…]`, Exim `id=X`.
const idForms = [
  /queued as ([\w.-]{4,128})/i,
  /<([^<>\s]{3,250})>/,
  /\bid=([\w.-]{4,128})/i,
  /^250 (?:\d\.\d\.\d )?ok:? ([\w-]{12,128})$/i,
]

/** The id that a server gave in its last reply. */
export function idIn(reply: string): string | undefined {
  for (const form of idForms) {
    const id = form.exec(reply)?.[1]
    if (id) return id
  }
  return undefined
}

/** A reply on one line and no longer than a reason may be. */
export function shorten(reply: string): string {
  return reply
    .replace(/[\p{Cc}\s]+/gu, ' ')
    .trim()
    .slice(0, reasonCharsMax)
}
