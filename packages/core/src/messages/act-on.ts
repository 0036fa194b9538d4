import type { Problem } from '@lettergate/contracts/problems/problems'
import type { Queryable } from '@lettergate/db/pool'
import type { Tenants } from '@lettergate/db/tenant-scope'
import { fromStorage } from '../lib/index.ts'
import { type MessageReader, type Reader, readExisting, type StoredMessage } from './read.ts'

export type ActDeps = { tenants: Tenants; messages: MessageReader }
export type MessageKey = { tenantId: string; id: string }

/** Does something to one message, and answers its new state. `work` answers why that is not possible; null: it is done. */
export async function actOn(
  { tenants, messages }: ActDeps,
  reader: Reader,
  id: string,
  work: (db: Queryable, message: MessageKey, before: StoredMessage) => Promise<Problem | null>,
): Promise<StoredMessage> {
  const { tenantId } = reader
  const before = await readExisting(messages, reader, id)
  const refused = await fromStorage(work(tenants.forTenant(tenantId), { tenantId, id }, before))
  if (refused) throw refused
  return readExisting(messages, reader, id)
}
