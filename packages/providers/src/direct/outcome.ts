import { classOf, type FailureCode } from '../lib/failures.ts'
import { toRefusedOutcome } from '../lib/refusals.ts'
import { toFailure } from '../lib/to-failure.ts'
import type { RecipientRefusal, SendOutcome } from '../provider.ts'
import { judgeReply, type Phase, type Transfer } from '../smtp/outcome.ts'
import { idIn, shorten } from '../smtp/reply.ts'

/** Outcome of one recipient; `code` is null if its server accepted the message. */
export type Result = { address: string; code: FailureCode | null; reason: string }

/**
 * The class of a refusing reply, by the same table as for any SMTP server. A reply of one domain's server about this installation must
 * neither slow nor stop a connection that serves all the other domains, and is not the recipients' fault.
 */
export function judge(phase: Phase, reply: string): FailureCode {
  const code = judgeReply(phase, reply)
  const { outcome, connection } = classOf(code)
  if (outcome === 'deferred') return connection === 'none' ? code : 'recipient-deferred'
  if (outcome !== 'rejected-account' || code === 'provider-sender-refused') return code
  return 'sending-host-refused'
}

/** The class of a transfer as a whole; null when the message was taken. */
export function codeOf(transfer: Transfer): FailureCode | null {
  switch (transfer.kind) {
    case 'accepted':
      return null
    case 'refused':
      return judge(transfer.phase, transfer.reply)
    case 'lost':
      return transfer.complete ? 'outcome-unknown' : 'recipient-deferred'
    case 'busy':
      return 'connection-busy'
    case 'misconfigured':
      if (transfer.code === 'provider-cannot-express') return transfer.code
      return transfer.code === 'provider-egress-refused' ? 'recipient-refused' : 'recipient-deferred'
  }
}

/** Derives the outcome of each recipient from the transfer to its domain. */
export function toResults(transfer: Transfer, addresses: readonly string[]): Result[] {
  const code = codeOf(transfer)
  const refused = transfer.kind === 'accepted' || transfer.kind === 'refused' ? transfer.refused : []
  const said = 'reply' in transfer ? transfer.reply : transfer.reason
  const replies = new Map(refused.map(({ address, reply }) => [address, reply]))
  return addresses.map((address) => {
    const reply = replies.get(address)
    return reply === undefined
      ? { address, code, reason: shorten(said) }
      : { address, code: judge('rcpt', reply), reason: shorten(reply) }
  })
}

/**
 * The outcome of a message from those of all its recipients. Each recipient has its own outcome: those whose server may have the
 * message are in `refused` as rejected with `outcome-unknown`, so that they are not sent again while the others are.
 */
export function toOutcome(results: readonly Result[], ownId: string): SendOutcome {
  const ended = results.flatMap(({ code, ...rest }) => (code === null ? [] : [{ ...rest, code }]))
  const refused = ended.map(toRefusal)
  if (ended.length < results.length) {
    const reply = results.find(({ code }) => code === null)?.reason ?? ''
    const providerMessageId = idIn(reply) ?? ownId
    return { kind: 'accepted', providerMessageId, ...(refused.length > 0 && { refused }) }
  }
  const [first] = ended
  if (first && ended.every(({ code }) => code === first.code && classOf(code).outcome !== 'rejected-message'))
    return toFailure(first.code, first.reason)
  // No class of one domain's server may slow or stop the connection; the longest wait of a recipient holds for all that are deferred.
  const outcome = toRefusedOutcome(refused)
  if (outcome.kind === 'deferred') return { ...outcome, code: 'recipient-deferred' }
  // No recipient is left for a retry: if one may have the message, the outcome of all is unknown.
  const unknown = ended.find(({ code }) => code === 'outcome-unknown')
  return unknown ? toFailure(unknown.code, unknown.reason) : outcome
}

function toRefusal({ address, code, reason }: Result & { code: FailureCode }): RecipientRefusal {
  const { outcome, waitMs } = classOf(code)
  const kind = outcome === 'deferred' || outcome === 'rejected-account' ? 'deferred' : 'rejected'
  const said = code === 'outcome-unknown' ? `may have been accepted: ${reason}` : reason
  const retryAfterMs = code === 'connection-busy' ? 0 : kind === 'deferred' ? waitMs : undefined
  return { address, kind, code, reason: said, ...(retryAfterMs !== undefined && { retryAfterMs }) }
}
