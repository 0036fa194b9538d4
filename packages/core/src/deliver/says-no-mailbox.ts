import type { RecipientRefusal, SendOutcome } from '@lettergate/providers/provider'

/**
 * RFC 3463 X.1.1, and X.1.10 of Microsoft: there is no such mailbox. Never X.1.2 (a domain may come back), X.2.x (a full or disabled
 * mailbox), X.7.x (a policy, often about the sender), nor words without a code.
 */
const NO_MAILBOX = /^5\d\d[ -]5\.1\.(1|10)\b/

type Refusal = Pick<RecipientRefusal, 'code' | 'reason'>

function refusalOf(outcome: SendOutcome, address: string): Refusal | null {
  const named = 'refused' in outcome ? outcome.refused?.find((one) => one.address === address) : undefined
  if (named) return named.kind === 'rejected' ? named : null
  return outcome.kind === 'rejected' ? outcome : null
}

/** Whether an answer refuses this recipient for good because the mailbox does not exist, and for no other reason. */
export function saysNoMailbox(outcome: SendOutcome, address: string): boolean {
  const refusal = refusalOf(outcome, address)
  return refusal?.code === 'recipient-refused' && NO_MAILBOX.test(refusal.reason)
}
