import type { ResolvedOutcome } from '@lettergate/contracts/messages/requests'
import { Problem } from '@lettergate/contracts/problems/problems'
import { type ActDeps, actOn } from './act-on.ts'
import type { Reader, StoredMessage } from './read.ts'
import { type Resolution, resolveRecipient } from './sql/resolve-recipient.ts'

const RESOLUTIONS: Record<ResolvedOutcome, Resolution> = {
  sent: { status: 'sent', event: 'recipient.sent', reason: 'You said that the provider has the message.' },
  delivered: {
    status: 'delivered',
    event: 'recipient.delivered',
    reason: 'You said that the recipient has the message.',
  },
  not_sent: {
    status: 'failed',
    event: 'recipient.failed',
    reason: 'You said that the provider does not have the message.',
  },
}

/** Records what a person found out about a recipient whose outcome is unknown, and answers the message. */
export function resolveMessage(
  deps: ActDeps,
  reader: Reader,
  id: string,
  { recipient, outcome }: { recipient: string; outcome: ResolvedOutcome },
): Promise<StoredMessage> {
  return actOn(deps, reader, id, async (db, message) => {
    const before = await resolveRecipient(db, message, recipient, RESOLUTIONS[outcome])
    if (before === 'unknown') return null
    if (before !== null) {
      const detail = `The recipient is ${before}: only an unknown outcome can be resolved.`
      return new Problem('wrong-state', { detail })
    }
    const detail = 'The message has no recipient with this address. Name one that the message lists.'
    return new Problem('validation-failed', { detail, errors: [{ pointer: '#/recipient', detail }] })
  })
}
