import type { Queryable } from '@lettergate/db/pool'
import type { ListWindow } from './find-ids-by-id.ts'

/** Lists the newest messages of a tenant with an attempt in progress. */
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
