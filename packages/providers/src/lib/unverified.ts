import type { SendOutcome } from '../provider.ts'
import { toFailure } from './to-failure.ts'

// "Email address is not verified. The following identities failed the check in region EU-WEST-1: …", over HTTP and SMTP alike:
// https://docs.aws.amazon.com/ses/latest/dg/troubleshoot-error-messages.html
const named = /not verified\..*failed the check[^:]*:(?<names>.*)/i

/**
 * Amazon SES refuses unverified senders and, in its sandbox, unverified recipients by the same words, and names those that failed: it
 * is the sandbox only if all named addresses are recipients. An account outside of the sandbox needs verified senders only.
 */
export function tellUnverified(outcome: SendOutcome, from: string): SendOutcome {
  if (outcome.kind !== 'rejected') return outcome
  const names = named
    .exec(outcome.reason)
    ?.groups?.names?.toLowerCase()
    .match(/[^\s,;<>()"]+\.[^\s,;<>()"]*[a-z0-9]/g)
  if (!names) return outcome
  const address = from.toLowerCase()
  const isSender = names.some((name) => name === address || address.endsWith(`@${name}`))
  return toFailure(isSender ? 'provider-sender-refused' : 'provider-sandbox', outcome.reason)
}
