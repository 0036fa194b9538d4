import { classOf, type FailureCode } from '../lib/failures.ts'
import { toRefusedOutcome } from '../lib/refusals.ts'
import { toFailure } from '../lib/to-failure.ts'
import type { RecipientRefusal, SendOutcome } from '../provider.ts'
import { idIn, readReply, shorten } from './reply.ts'
import type { Phase } from './rule.ts'
import { smtpRules } from './rules.ts'

export type { Phase } from './rule.ts'

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

/** Derives the outcome of a message from its transfer. */
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
  const refusals = refused.map(toRefusal)
  const account = refusals.find(({ code }) => classOf(code).outcome === 'rejected-account')
  if (!account) return toRefusedOutcome(refusals)
  // The error concerns the account, except for recipients refused by their own address.
  const own = refusals.filter(({ code }) => classOf(code).mayBeOneOfMany === true)
  const outcome = toFailure(account.code, account.reason)
  return outcome.kind === 'rejected' && own.length > 0 ? { ...outcome, refused: own } : outcome
}

/** Classifies the reply to one RCPT; a recipient that this account may not send to may go by another connection. */
export function toRefusal({ address, reply }: { address: string; reply: string }): RecipientRefusal {
  const code = judgeReply('rcpt', reply)
  const { outcome, waitMs } = classOf(code)
  const kind = outcome === 'rejected-message' ? 'rejected' : 'deferred'
  const asked = kind === 'deferred' && waitMs !== undefined ? { retryAfterMs: waitMs } : {}
  return { address, kind, code, reason: shorten(reply), ...asked }
}

/** The class of a refusing reply. */
export function judgeReply(phase: Phase, reply: string): FailureCode {
  const { code, enhanced, words } = readReply(reply)
  const text = words.toLowerCase()
  const rule = smtpRules.find(
    (row) =>
      (row.phases?.includes(phase) ?? true) &&
      (row.code?.test(code) ?? true) &&
      (row.enhanced?.test(enhanced) ?? true) &&
      (row.text?.test(text) ?? true),
  )
  return rule?.is ?? 'refusal-unrecognised'
}
