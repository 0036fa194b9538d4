import type { Queryable } from '@lettergate/db/pool'
import type { ListWindow } from './list-by-id.ts'

/** The newest messages of a tenant that are being handed over at this moment. */
export async function listIdsSending(db: Queryable, window: ListWindow): Promise<string[]> {
  const { rows } = await db.query<{ message_id: string }>({
    name: 'list-by-sending',
    text: `
      select message_id from outbox
      where phase = 'held' and state = 'sending' and tenant_id = $1 and message_id >= $2 and message_id < $3
      order by message_id desc limit $4`,
    values: [window.tenantId, window.from, window.before, window.limit],
  })
  return rows.map((row) => row.message_id)
}
