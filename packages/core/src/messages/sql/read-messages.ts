import { column, rowArray } from '@lettergate/db/composite-rows'
import type { Queryable } from '@lettergate/db/pool'
import { idRange, type MessageColumns, READ_MESSAGE_COLUMNS } from '../../lib/index.ts'

/** Kind, address, name, status, reason, updated_at: in this order because names would be most of the bytes. */
export type RecipientTuple = ['to' | 'cc' | 'bcc', string, string | null, string, string | null, string]

export type MessageRow = MessageColumns & {
  id: string
  mode: string
  createdAt: Date
  /** A worker is sending the message: known only to the outbox until the outcome is in. */
  isSending: boolean
  /** Of the next attempt; null: none is to come. */
  dueAt: Date | null
  recipients: RecipientTuple[]
}

type Key = { tenantId: string; id: string }

const keyArray = rowArray<Key & { position: number }>('message_key', [
  column('uuid', (key) => key.tenantId),
  column('uuid', (key) => key.id),
  column('int4', (key) => key.position),
])

/**
 * Messages of any tenants in one round trip, in order; null where a tenant has no such message. The lateral
 * subqueries keep this a nested loop in which every id finds its own partition, however the planner guesses; the range keeps it from opening the others (`idRange`).
 */
export async function readMessages(db: Queryable, keys: readonly Key[]): Promise<(MessageRow | null)[]> {
  if (keys.length === 0) return []
  const ids = keys.map((key) => key.id)
  const { rows } = await db.query<MessageRow & { position: number }>({
    name: 'read-messages',
    text: `
      select k.position, m.*, r.recipients,
             coalesce(o.is_sending, false) as "isSending", o.due_at as "dueAt"
      from unnest($1::message_key[]) as k
      cross join lateral (
        select id, mode, created_at as "createdAt", ${READ_MESSAGE_COLUMNS}
        from message where tenant_id = k.tenant_id and id = k.id and id between $2 and $3 offset 0
      ) m
      cross join lateral (
        select json_agg(json_build_array(kind, address, name, status, reason, updated_at) order by position) as recipients
        from recipient where tenant_id = k.tenant_id and message_id = k.id and message_id between $2 and $3
      ) r
      left join lateral (
        select state = 'sending' as is_sending, due_at from outbox where message_id = k.id limit 1
      ) o on true`,
    values: [
      await keyArray(
        db,
        keys.map((key, position) => ({ ...key, position })),
      ),
      ...idRange(ids),
    ],
  })
  const found: (MessageRow | null)[] = keys.map(() => null)
  for (const row of rows) found[row.position] = row
  return found
}
