import type { ResolvedOutcome } from '@lettergate/contracts/messages/requests'
import { Problem } from '@lettergate/contracts/problems/problems'
import type { Tenants } from '@lettergate/db/tenant-scope'
import { fromStorage } from '../lib/index.ts'
import { type MessageReader, type Reader, readExisting, type StoredMessage } from './read.ts'
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
export async function resolveMessage(
  deps: { tenants: Tenants; messages: MessageReader },
  reader: Reader,
  id: string,
  { recipient, outcome }: { recipient: string; outcome: ResolvedOutcome },
): Promise<StoredMessage> {
  await readExisting(deps.messages, reader, id)
  const db = deps.tenants.forTenant(reader.tenantId)
  const message = { tenantId: reader.tenantId, id }
  const before = await fromStorage(resolveRecipient(db, message, recipient, RESOLUTIONS[outcome]))
  if (before === null) {
    const detail = 'The message has no recipient with this address. Name one that the message lists.'
    throw new Problem('validation-failed', { detail, errors: [{ pointer: '#/recipient', detail }] })
  }
  if (before !== 'unknown') {
    throw new Problem('wrong-state', {
      detail: `The recipient is ${before}: only an unknown outcome can be resolved.`,
    })
  }
  return readExisting(deps.messages, reader, id)
}
