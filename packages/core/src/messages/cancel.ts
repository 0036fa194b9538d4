import { Problem } from '@lettergate/contracts/problems/problems'
import type { Tenants } from '@lettergate/db/tenant-scope'
import { fromStorage } from '../lib/index.ts'
import { type MessageReader, type Reader, readExisting, type StoredMessage } from './read.ts'
import { cancelMessage as cancelRow } from './sql/cancel-message.ts'

/** Cancels a message that was not sent, refunds its quota, and answers its new state. */
export async function cancelMessage(
  deps: { tenants: Tenants; messages: MessageReader },
  reader: Reader,
  id: string,
): Promise<StoredMessage> {
  const before = await readExisting(deps.messages, reader, id)
  const db = deps.tenants.forTenant(reader.tenantId)
  const { state } = await fromStorage(cancelRow(db, { tenantId: reader.tenantId, id }))
  if (state === 'sending') {
    throw new Problem('wrong-state', {
      detail: 'The message is being handed to the provider: too late to cancel it.',
    })
  }
  if (state === null) {
    throw new Problem('wrong-state', {
      detail: `The message is ${before.status}: there is nothing left to cancel.`,
    })
  }
  return readExisting(deps.messages, reader, id)
}
