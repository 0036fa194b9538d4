import type { Stream } from '@lettergate/contracts/messages/new-message'
import { column, rowArray } from '@lettergate/db/composite-rows'
import type { StoredRecipient } from '../../lib/index.ts'
import type { PoolWay } from '../../routing/index.ts'

export type AcceptRow = {
  id: string
  stream: Stream
  fromAddress: string
  fromName: string | null
  subject: string
  tags: string[]
  /** JSON text. */
  metadata: string | null
  sendAt: Date | null
  connectionId: string | null
  attachmentCount: number
  callbackUrl: string | null
  contentBytes: number
  /** JSON text of a `ContentDocument`. */
  document: string
  recipients: StoredRecipient[]
  /** How the shared pool concerns it; absent: not at all. */
  pool?: Pick<PoolWay, 'pool' | 'overflow'>
  /** The whole mail, where its client wrote it. */
  raw?: Buffer
}

/** A message of a unit; its document is null when it has been written before. */
export type NumberedRow = {
  unit: number
  row: Omit<AcceptRow, 'document' | 'raw'> & { document: string | null }
}

/** `$n::accept_message_3[]`. */
export const messageArray = rowArray<NumberedRow>('accept_message_3', [
  column('int4', ({ unit }) => unit),
  column('uuid', ({ row }) => row.id),
  column('text', ({ row }) => row.stream),
  column('text', ({ row }) => row.fromAddress),
  column('text', ({ row }) => row.fromName),
  column('text', ({ row }) => row.subject),
  column('text[]', ({ row }) => row.tags),
  column('json', ({ row }) => row.metadata),
  column('timestamptz', ({ row }) => row.sendAt),
  column('uuid', ({ row }) => row.connectionId),
  column('int2', ({ row }) => row.attachmentCount),
  column('int4', ({ row }) => row.contentBytes),
  column('json', ({ row }) => row.document),
  column('text', ({ row }) => row.callbackUrl),
  column('int2', ({ row }) => row.recipients.length),
  column('text', ({ row }) => row.pool?.pool ?? 'no'),
  column('text', ({ row }) => row.pool?.overflow),
])
