import {
  isPendingStatus,
  messageStatus,
  type RecipientStatus,
  recipientStatuses,
} from '@lettergate/contracts/messages/recipient-status'
import { Problem } from '@lettergate/contracts/problems/problems'
import { createBatcher } from '@lettergate/db/batcher'
import type { Pool } from '@lettergate/db/pool'
import { fromStorage } from '../lib/index.ts'
import { type MessageRow, readMessages } from './sql/read-messages.ts'

/** The scope of a reader: a test key sees messages of test keys, a live key those of live keys. */
export type Reader = { tenantId: string; mode: 'live' | 'test' }

export type StoredRecipient = {
  kind: 'to' | 'cc' | 'bcc'
  address: string
  name: string | null
  status: RecipientStatus
  reason: string | null
  updatedAt: string
}

/** All columns of a message that `MessageColumns` has. */
export type StoredMessage = Omit<MessageRow, 'metadata' | 'mode' | 'isSending' | 'recipients'> & {
  status: RecipientStatus
  metadata: Record<string, string>
  recipients: StoredRecipient[]
}

export type MessageReader = {
  /** Null both for a missing message and for one outside the scope, so that a reader cannot distinguish them. */
  read(reader: Reader, id: string): Promise<StoredMessage | null>
}

const BATCH_MAX = 200
const WAITING_MAX = 5_000

const KNOWN = new Set<string>(recipientStatuses)

function isStatus(text: string): text is RecipientStatus {
  return KNOWN.has(text)
}

/** While the outbox says "sending", it speaks for the recipients that wait for the outcome. */
function shownStatus(status: string, isSending: boolean): RecipientStatus {
  if (!isStatus(status)) throw new Error(`a recipient has the unknown status ${status}`)
  return isSending && isPendingStatus(status) ? 'sending' : status
}

function toMessage({ mode, isSending, recipients: tuples, ...row }: MessageRow): StoredMessage {
  const recipients = tuples.map(([kind, address, name, status, reason, updatedAt]) => ({
    kind,
    address,
    name,
    status: shownStatus(status, isSending),
    reason,
    updatedAt,
  }))
  const status = messageStatus(recipients.map((recipient) => recipient.status))
  return { ...row, status, metadata: row.metadata ?? {}, recipients }
}

/** Reads messages; concurrent reads of all tenants share a round trip, each touching only its own rows. */
export function createMessageReader(deps: { pool: Pool }): MessageReader {
  const batcher = createBatcher<{ tenantId: string; id: string }, MessageRow | null>({
    run: (keys) => readMessages(deps.pool, keys),
    itemsMax: BATCH_MAX,
    waitingMax: WAITING_MAX,
  })
  return {
    async read({ tenantId, mode }, id) {
      const row = await fromStorage(batcher.add({ tenantId, id }))
      return row && row.mode === mode ? toMessage(row) : null
    },
  }
}

/** As `read`, for callers that have nothing to say about a message that is not there. */
export async function readExisting(
  messages: MessageReader,
  reader: Reader,
  id: string,
): Promise<StoredMessage> {
  const message = await messages.read(reader, id)
  if (!message) throw new Problem('not-found')
  return message
}
