import { type Column, column, rowArray } from '@lettergate/db/composite-rows'
import {
  MESSAGE_COLUMNS,
  type MessageColumns,
  messageColumns,
  type StoredRecipient,
} from '../../lib/index.ts'
import type { PoolWay } from '../../routing/index.ts'

export type AcceptRow = MessageColumns & {
  id: string
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

/** The type of the database that a message of a batch is passed as; a change of its columns needs a new type. */
const MESSAGE_TYPE = 'accept_message_3'

const { callbackUrl, ...others } = messageColumns
const ofRow =
  (write: Column<MessageColumns>): Column<NumberedRow> =>
  (to, { row }) =>
    write(to, row)

/** Makes a batch one parameter, in the order of the type. */
export const messageArray = rowArray<NumberedRow>(MESSAGE_TYPE, [
  column('int4', ({ unit }) => unit),
  column('uuid', ({ row }) => row.id),
  ...Object.values(others).map(ofRow),
  column('json', ({ row }) => row.document),
  ofRow(callbackUrl),
  column('int2', ({ row }) => row.recipients.length),
  column('text', ({ row }) => row.pool?.pool ?? 'no'),
  column('text', ({ row }) => row.pool?.overflow),
])

/** The rows of a batch in SQL. */
export const MESSAGE_BATCH = `unnest($2::${MESSAGE_TYPE}[])`

/** Writes messages and their content: the CTEs of a statement that has `incoming`; the last one is left open. */
export const WRITTEN_MESSAGES = `written_message as (
  insert into message (tenant_id, id, usage_day, mode, ${MESSAGE_COLUMNS}, recipient_count, pool_day, pool_n)
  select tenant_id, id, day, mode, ${MESSAGE_COLUMNS}, n,
         case when way = 'pool' then day end, case when way = 'pool' then n end
  from incoming
), written_content as (
  insert into message_content (tenant_id, message_id, document)
  select tenant_id, id, document from incoming where document is not null`
