import { classOf } from '@lettergate/providers/lib/failures'
import type { Mailbox, OutboundMessage, RecipientRefusal, SendOutcome } from '@lettergate/providers/provider'

/** Other spellings of an address, by the one that is sent. */
export type Twins = ReadonlyMap<string, readonly string[]>

/**
 * Keeps one spelling of addresses that differ only in case: the first pending one in To, then Cc, then Bcc. Some providers refuse the whole
 * call for a second one.
 */
export function foldRecipients(message: OutboundMessage): { message: OutboundMessage; twins: Twins } {
  const waiting = new Set(message.envelopeTo)
  const inOrder = [...message.to, ...message.cc, ...message.bcc].map(({ address }) => address)
  const kept = new Map<string, string>()
  const ordered = [...inOrder.filter((address) => waiting.has(address)), ...message.envelopeTo, ...inOrder]
  for (const address of ordered) if (!kept.has(keyOf(address))) kept.set(keyOf(address), address)
  const isKept = (address: string) => kept.get(keyOf(address)) === address
  const twins = new Map<string, string[]>()
  for (const address of message.envelopeTo) {
    const first = kept.get(keyOf(address))
    if (first !== undefined && first !== address) twins.set(first, [...(twins.get(first) ?? []), address])
  }
  const only = (list: Mailbox[]) => list.filter(({ address }) => isKept(address))
  const fields = { to: only(message.to), cc: only(message.cc), bcc: only(message.bcc) }
  return { message: { ...message, ...fields, envelopeTo: message.envelopeTo.filter(isKept) }, twins }
}

/** Applies the outcome to all spellings of an address. A refusal of the only mailbox of a call holds for all its spellings. */
export function unfoldOutcome(
  outcome: SendOutcome,
  twins: Twins,
  envelopeTo: readonly string[],
): SendOutcome {
  if (twins.size === 0 || outcome.kind === 'unknown') return outcome
  const named = outcome.refused ?? refusedSingle(outcome, envelopeTo)
  if (named.length === 0) return outcome
  const refused = named.flatMap((refusal) =>
    [refusal.address, ...(twins.get(refusal.address) ?? [])].map((address) => ({ ...refusal, address })),
  )
  return { ...outcome, refused }
}

function refusedSingle(outcome: SendOutcome, [only, ...others]: readonly string[]): RecipientRefusal[] {
  if (outcome.kind !== 'rejected' || only === undefined || others.length > 0) return []
  const { code, reason } = outcome
  return classOf(code).mayBeOneOfMany === true ? [{ address: only, kind: 'rejected', code, reason }] : []
}

function keyOf(address: string): string {
  return address.toLowerCase()
}
