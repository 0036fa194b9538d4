import { Problem } from '@lettergate/contracts/problems/problems'
import type { Queryable } from '@lettergate/db/pool'
import type { Tenants } from '@lettergate/db/tenant-scope'
import { fromStorage } from '../lib/index.ts'
import { type MessageReader, type Reader, readExisting, type StoredMessage } from './read.ts'
import { cancelMessage as cancelRow } from './sql/cancel-message.ts'

/** Why the message cannot be cancelled; null: it is. */
export async function cancelIn(
  db: Queryable,
  message: { tenantId: string; id: string },
  status: string,
): Promise<Problem | null> {
  const { state } = await cancelRow(db, message)
  if (state === 'sending') {
    return new Problem('wrong-state', {
      detail: 'The message is being handed to the provider: too late to cancel it.',
    })
  }
  if (state !== null) return null
  return new Problem('wrong-state', {
    detail: `The message is ${status}: there is nothing left to cancel.`,
  })
}

/** Cancels a message that was not sent, refunds its quota, and answers its new state. */
export async function cancelMessage(
  deps: { tenants: Tenants; messages: MessageReader },
  reader: Reader,
  id: string,
): Promise<StoredMessage> {
  const { tenantId } = reader
  const { status } = await readExisting(deps.messages, reader, id)
  const refused = await fromStorage(cancelIn(deps.tenants.forTenant(tenantId), { tenantId, id }, status))
  if (refused) throw refused
  return readExisting(deps.messages, reader, id)
}
